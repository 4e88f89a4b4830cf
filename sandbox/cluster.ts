/** The public interface of the simulated cluster: to run one behind an API server, and to read its objects. */
export type { ClusterAccess } from './cluster/base/cluster-access.ts';
export { conditionIn, isTrue } from './cluster/base/conditions.ts';
export type { Kinds, Node, Pod } from './cluster/base/kinds.ts';
export type { BareMetalHost, Machine } from './cluster/base/machine-kinds.ts';
export { isReady } from './cluster/base/pods.ts';
export type { SimulationOptions } from './cluster/options.ts';
export { simulateCluster } from './cluster/simulate.ts';
