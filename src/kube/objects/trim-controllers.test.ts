import { describe, expect, it } from 'vitest';
import { DAEMON_SET, JOB, REPLICA_SET } from '../../core/objects.ts';
import { trimOf } from './trim.ts';

const metadata = { name: 'x', namespace: 'shop', uid: 'u', resourceVersion: '1', labels: { app: 'x' } };

describe('the trim of a Job', () => {
  it.each<readonly [string, object, object, number]>([
    ['as many as run at once', { parallelism: 3, completions: 10 }, {}, 3],
    ['one by default', {}, {}, 1],
    ['as many as are left to complete', { parallelism: 3, completions: 10 }, { succeeded: 8 }, 2],
    ['those of a work queue without an end', { parallelism: 3 }, { succeeded: 8 }, 3],
    ['none while suspended', { parallelism: 3, suspend: true }, {}, 0],
    ['none once complete', { parallelism: 3 }, { conditions: [{ type: 'Complete', status: 'True' }] }, 0],
    ['none once failed', { parallelism: 3 }, { conditions: [{ type: 'Failed', status: 'True' }] }, 0],
    ['none once it is about to fail', {}, { conditions: [{ type: 'FailureTarget', status: 'True' }] }, 0],
    ['those of one that was resumed', { suspend: false }, { conditions: [{ type: 'Suspended', status: 'False' }] }, 1],
  ])('asks for %s', (_, spec, status, replicas) => {
    expect(trimOf(JOB)({ metadata, spec, status })?.spec.replicas ?? 1).toBe(replicas);
  });
});

describe('the trim of a controller', () => {
  const spec = { minReadySeconds: 20, template: { spec: { nodeName: 'a', containers: [{ name: 'c' }] } } };

  it('keeps what is asked for, what is available and where its Pods run, without labels', () => {
    const raw = { metadata, spec: { ...spec, replicas: 3 }, status: { replicas: 3, availableReplicas: 2 } };
    expect(trimOf(REPLICA_SET)(raw)).toEqual({
      metadata: { name: 'x', namespace: 'shop', uid: 'u', resourceVersion: '1' },
      spec: { replicas: 3, minReadySeconds: 20, template: { nodeName: 'a' } },
      status: { availableReplicas: 2 },
    });
  });

  it('takes the availability of a DaemonSet by its own name', () => {
    const raw = { metadata, spec, status: { desiredNumberScheduled: 3, numberAvailable: 2 } };
    expect(trimOf(DAEMON_SET)(raw)).toMatchObject({
      spec: { minReadySeconds: 20, template: { nodeName: 'a' } },
      status: { availableReplicas: 2 },
    });
  });

  it("keeps kured's lock of a DaemonSet's annotations, and no other", () => {
    const annotations = {
      'weave.works/kured-node-lock': '{"nodeID":"a"}',
      'deprecated.daemonset.template.generation': '1',
    };
    expect(trimOf(DAEMON_SET)({ metadata: { ...metadata, annotations }, spec })?.metadata).toEqual({
      name: 'x',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '1',
      annotations: { 'weave.works/kured-node-lock': '{"nodeID":"a"}' },
    });
  });

  it('takes wrong types for absent', () => {
    expect(trimOf(REPLICA_SET)({ metadata, spec: { replicas: '3', template: [] }, status: 7 })).toMatchObject({
      spec: {},
      status: {},
    });
    expect(trimOf(REPLICA_SET)({ metadata: {} })).toBeUndefined();
  });
});
