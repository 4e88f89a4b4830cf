import { describe, expect, it } from 'vitest';
import { readKind, readObject, readObjects } from './object-names.ts';

describe('`readKind()`', () => {
  it.each([
    ['node', 'Node'],
    ['nodes', 'Node'],
    ['no', 'Node'],
    ['Node', 'Node'],
    ['nodes.v1.', 'Node'],
    ['po', 'Pod'],
    ['pods.v1.', 'Pod'],
    ['Pod.v1.', 'Pod'],
    ['ma', 'Machine'],
    ['machine.cluster.x-k8s.io', 'Machine'],
    ['machines.cluster.x-k8s.io', 'Machine'],
    ['machines.v1beta2.cluster.x-k8s.io', 'Machine'],
    ['Machine.v1beta1.cluster.x-k8s.io', 'Machine'],
    ['ma.cluster.x-k8s.io', 'Machine'],
    // Machines of OpenShift and of Gardener are other objects.
    ['machine.machine.openshift.io', undefined],
    ['machines.machine.sapcloud.io', undefined],
    ['node.metal3.io', undefined],
    ['pods.metrics.k8s.io', undefined],
    ['nodes.v1.example.com', undefined],
    ['machinedeployment.cluster.x-k8s.io', undefined],
    ['worker-1', undefined],
    ['', undefined],
    ['.', undefined],
    ['__proto__', undefined],
  ])('takes %j for %s', (text, kind) => {
    expect(readKind(text)).toBe(kind);
  });
});

describe('`readObject()`', () => {
  it.each([
    ['machine.cluster.x-k8s.io/m', { kind: 'Machine', name: 'm' }],
    ['machine.cluster.x-k8s.io/fleet/m', { kind: 'Machine', name: 'm', namespace: 'fleet' }],
    ['node.v1./n', { kind: 'Node', name: 'n' }],
    // A Node may be named like a host in the DNS.
    ['ip-10-0-0-1.eu-west-1.compute.internal', { kind: 'Node', name: 'ip-10-0-0-1.eu-west-1.compute.internal' }],
    ['node/a/b', undefined],
    ['machine/a/b/c', undefined],
    ['pod/', undefined],
    ['node', undefined],
    ['deployment.apps/web', undefined],
  ])('reads %j', (text, object) => {
    expect(readObject(text)).toEqual(object);
  });
});

describe('`readObjects()`', () => {
  it('takes the kind once for all names behind it', () => {
    expect(readObjects(['no', 'a', 'b']).map(({ named }) => named)).toEqual([
      { kind: 'Node', name: 'a' },
      { kind: 'Node', name: 'b' },
    ]);
  });

  it('takes what `kubectl get … -o name` prints of several kinds', () => {
    expect(readObjects(['node/a', 'machine.cluster.x-k8s.io/m']).map(({ named }) => named?.kind)).toEqual([
      'Node',
      'Machine',
    ]);
  });
});
