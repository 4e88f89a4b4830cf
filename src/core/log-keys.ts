/**
 * The keys of log fields: a closed set, so that a misspelt one does not compile. Kinds stand for objects as
 * `namespace/name`; `reason` says why (a feature's word), `detail` what a server or the network said, `err` is an error with
 * its causes.
 */
export type LogKey =
  | 'BareMetalHost'
  | 'Cluster'
  | 'Machine'
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
