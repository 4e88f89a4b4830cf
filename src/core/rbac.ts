/** What a part of the program may do on an API server, as data. */

/** One rule of a Role or ClusterRole. */
export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Why it is needed. */
  readonly because: string;
}
