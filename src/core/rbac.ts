/** The rights of a part of the program on an API server, as data. */

/** One rule of a Role or ClusterRole. */
export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** The only objects that it applies to. Not for `create`, where the name is not known when the right is checked. @default all */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
  /** Why it is needed. */
  readonly because: string;
}
