import { describe, expect, it } from 'vitest';
import { schedulingOf } from './trim-scheduling.ts';

const container = (requests: object, more: object = {}) => ({ name: 'main', resources: { requests }, ...more });

describe('schedulingOf()', () => {
  it('gives undefined for a Pod that asks for nothing', () => {
    expect(schedulingOf({ schedulerName: 'default-scheduler', containers: [{ name: 'main' }] }, {})).toBeUndefined();
  });

  it('counts requests as the scheduler does', () => {
    const spec = {
      containers: [container({ cpu: '250m', memory: '1Gi' }), container({ cpu: '1.5', 'example.com/gpu': '2' })],
      initContainers: [container({ cpu: '3' })],
      overhead: { cpu: '1' },
    };
    expect(schedulingOf(spec, {})).toEqual({
      requests: { cpu: 4000, memory: 1024 ** 3, 'example.com/gpu': 2 },
    });
  });

  it('tells what a Pod holds during a resize from what it asks for', () => {
    const spec = { containers: [container({ cpu: '1' })] };
    const status = {
      containerStatuses: [
        { name: 'main', resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '2', memory: '1' } },
      ],
    };
    expect(schedulingOf(spec, status)).toEqual({ requests: { cpu: 1000 }, held: { cpu: 2000, memory: 1 } });
  });

  it('does not count a resize that the kubelet has refused for good', () => {
    const spec = { containers: [container({ cpu: '8' })] };
    const containerStatuses = [{ name: 'main', resources: { requests: { cpu: '2' } } }];
    const waiting = { containerStatuses, conditions: [{ type: 'PodResizePending', reason: 'Deferred' }] };
    const refused = { containerStatuses, conditions: [{ type: 'PodResizePending', reason: 'Infeasible' }] };
    expect(schedulingOf(spec, waiting)).toEqual({ requests: { cpu: 8000 } });
    expect(schedulingOf(spec, refused)).toEqual({ requests: { cpu: 8000 }, held: { cpu: 2000 } });
  });

  it('keeps the host ports of containers and sidecars', () => {
    const spec = {
      containers: [{ name: 'a', ports: [{ hostPort: 80, protocol: 'TCP' }, { containerPort: 8080 }] }],
      initContainers: [
        { name: 'b', restartPolicy: 'Always', ports: [{ hostPort: 53, protocol: 'UDP', hostIP: '10.0.0.1' }] },
        { name: 'c', ports: [{ hostPort: 81 }] },
      ],
    };
    expect(schedulingOf(spec, {})?.hostPorts).toEqual([{ port: 53, protocol: 'UDP', ip: '10.0.0.1' }, { port: 80 }]);
  });

  it('keeps required affinity and constraints that must hold, and no preferences', () => {
    const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'db' } } };
    const constraint = { topologyKey: 'zone', maxSkew: 1, labelSelector: { matchLabels: { app: 'db' } } };
    const spec = {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, namespaceSelector: {} }] },
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, namespaces: ['shop'], matchLabelKeys: ['x'] }],
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }],
        },
      },
      topologySpreadConstraints: [
        { ...constraint, whenUnsatisfiable: 'DoNotSchedule', minDomains: 2, nodeTaintsPolicy: 'Honor' },
        { ...constraint, whenUnsatisfiable: 'ScheduleAnyway' },
      ],
    };
    expect(schedulingOf(spec, {})).toEqual({
      podAffinity: [{ ...term, namespaceSelector: {} }],
      podAntiAffinity: [{ ...term, namespaces: ['shop'] }],
      spread: [{ ...constraint, minDomains: 2, nodeTaintsPolicy: 'Honor' }],
    });
  });

  it('keeps a priority other than the usual one', () => {
    expect(schedulingOf({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' }, {})).toBeUndefined();
    expect(schedulingOf({ priority: 7, preemptionPolicy: 'Never' }, {})).toEqual({ priority: 7, neverPreempts: true });
  });

  it('names what cannot be modelled', () => {
    const spec = {
      schedulerName: 'mine',
      resourceClaims: [{ name: 'gpu' }],
      volumes: [{ name: 'd', iscsi: {} }],
      schedulingGroup: { podGroupName: 'g' },
    };
    expect(schedulingOf(spec, {})).toEqual({
      schedulerName: 'mine',
      notModelled: ['has resource claims', 'belongs to a Pod group', 'has a volume of type iscsi'],
    });
  });

  it('gives Pods of one template the same object', () => {
    const spec = () => ({ containers: [container({ cpu: '123m' })] });
    expect(schedulingOf(spec(), {})).toBe(schedulingOf(spec(), {}));
  });

  it('survives fields of the wrong type', () => {
    const odd = { containers: 'x', initContainers: [7], overhead: [], affinity: { podAffinity: 1 }, volumes: {} };
    expect(schedulingOf(odd, { conditions: 'x', containerStatuses: [null] })).toBeUndefined();
  });

  it('infers the features that the kubelet must declare', () => {
    const rule = (action: string) => ({ name: 'main', restartPolicyRules: [{ action }] });
    const featuresOf = (spec: object) => schedulingOf({ ...spec }, {})?.requiredFeatures;
    expect(featuresOf({ containers: [rule('Restart')] })).toBeUndefined();
    expect(featuresOf({ initContainers: [rule('RestartAllContainers')] })).toEqual([
      'RestartAllContainersOnContainerExits',
    ]);
    expect(featuresOf({ hostNetwork: true, hostUsers: true })).toBeUndefined();
    expect(featuresOf({ hostNetwork: true, hostUsers: false })).toEqual(['UserNamespacesHostNetworkSupport']);
  });
});
