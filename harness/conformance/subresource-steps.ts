/** Random requests to subresources: evictions and bindings of Pods, scaling of Deployments. */
import fc from 'fast-check';
import type { Step } from './request-parts.ts';
import { MERGE, meant, NAMES } from './sequence-parts.ts';

const { constantFrom: oneOf, tuple } = fc;

const pod = (name: string): string => `/api/v1/namespaces/$ns/pods/${name}`;
export const eviction: fc.Arbitrary<Step> = tuple(NAMES, oneOf('', '', '', 'uid', 'other', 'dry', 'name')).map(
  ([name, how]): Step => {
    const deleteOptions = meant<object>(
      {
        uid: { preconditions: { uid: `$uid:${pod(name)}` } },
        other: { preconditions: { uid: 'other' } },
        dry: { dryRun: ['All'] },
      },
      how,
    );
    const metadata = { name: how === 'name' ? 'other' : name };
    return {
      method: 'POST',
      path: `${pod(name)}/eviction`,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata,
        ...(deleteOptions !== undefined && { deleteOptions }),
      },
    };
  },
);
export const binding: fc.Arbitrary<Step> = tuple(NAMES, oneOf('$ns-a', 'nowhere', '')).map(
  ([name, node]): Step => ({
    method: 'POST',
    path: `${pod(name)}/binding`,
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    },
  }),
);
export const scaling: fc.Arbitrary<Step> = tuple(NAMES, oneOf(0, 3, -1)).map(
  ([name, replicas]): Step => ({
    method: 'PATCH',
    path: `/apis/apps/v1/namespaces/$ns/deployments/${name}/scale`,
    type: MERGE,
    body: { spec: { replicas } },
  }),
);
