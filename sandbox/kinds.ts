/** The public interface of the built-in kinds: the kinds that the sandbox serves by itself, for comparison with a real API server. */
export { BUILT_IN, typeNameOf } from './kinds/built-in.ts';
export { TYPES } from './kinds/types.ts';
