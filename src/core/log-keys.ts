/**
 * The keys of log fields: a closed set, so that a misspelt one does not compile. Names of kinds hold objects as `namespace/name`; `reason`
 * is one of the feature's reasons, `detail` is the text of a server or the network, `err` is an error with its causes.
 */
export type LogKey =
  | 'BareMetalHost'
  | 'Cluster'
  | 'Machine'
  | 'MaintenanceMode'
  | 'ManagedClusterView'
  | 'ManifestWork'
  | 'Node'
  | 'Pod'
  | 'action'
  | 'actions'
  | 'address'
  | 'attempt'
  | 'cluster'
  | 'controller'
  | 'detail'
  | 'dryRun'
  | 'durationMs'
  | 'err'
  | 'identity'
  | 'key'
  | 'kind'
  | 'limitMs'
  | 'path'
  | 'paths'
  | 'reason'
  | 'reconcileID'
  | 'requeueAfterMs'
  | 'resource'
  | 'resourceVersion'
  | 'runnable'
  | 'runnables'
  | 'signal'
  | 'state'
  | 'version';

export type LogFields = { readonly [K in LogKey]?: unknown };
