/** The rights of machine drain in workload clusters, and no more: those of every drain, and the fence. */
import { DRAIN_RULES, NAMESPACES_RULE } from '../../core/drain-rules.ts';
import type { RbacRule } from '../../core/rbac.ts';

export const DRAIN_WORKLOAD_RULES: readonly RbacRule[] = [
  ...DRAIN_RULES,
  NAMESPACES_RULE,
  {
    apiGroups: [''],
    resources: ['nodes'],
    verbs: ['get', 'patch'],
    because: 'the fence, our approvals, and the cordon that some workloads need',
  },
];
