/** The door to the built-in kinds: what the sandbox serves by itself, to be compared with a real API server. */
export { BUILT_IN, typeNameOf } from './kinds/built-in.ts';
export { TYPES } from './kinds/types.ts';
