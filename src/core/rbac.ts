/** What a part of the program may do on an API server, as data. */

/** One rule of a Role or ClusterRole. */
export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** The only objects that it is about. Not for `create`: the name is not known when that is judged. @default all */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
  /** Why it is needed. */
  readonly because: string;
}
