/** The rights of this feature, and no more. */
import { DRAIN_RULES, NAMESPACES_RULE } from '../core/drain-rules.ts';
import type { RbacRule } from '../core/rbac.ts';

/**
 * @param cordon whether a Node may have to be cordoned: the only reason to write a Node beyond its status.
 * @param recreate whether `tmm.unmanagedPods` is `recreate`.
 */
export function tmmRules({
  cordon,
  namespaceSelectors,
  recreate,
}: {
  readonly cordon: boolean;
  readonly namespaceSelectors: boolean;
  readonly recreate: boolean;
}): readonly RbacRule[] {
  return [
    ...DRAIN_RULES,
    ...(namespaceSelectors ? [NAMESPACES_RULE] : []),
    ...(recreate
      ? [
          {
            apiGroups: [''],
            resources: ['pods'],
            verbs: ['get', 'create'],
            because: 'Pods without a controller come back',
          },
        ]
      : []),
    ...(cordon ? [{ apiGroups: [''], resources: ['nodes'], verbs: ['patch'], because: 'spec.unschedulable' }] : []),
  ];
}

/** In our own namespace, with `unmanagedPods: recreate`. */
export const STORED_PODS_RULE: RbacRule = {
  apiGroups: [''],
  resources: ['secrets'],
  verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
  because: 'Pods without a controller are stored until they come back',
};
