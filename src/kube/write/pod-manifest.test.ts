import { describe, expect, it } from 'vitest';
import { manifestOf } from './pod-manifest.ts';

const TOKEN = {
  name: 'kube-api-access-x7k2p',
  projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] },
};
const TOKEN_MOUNT = { name: TOKEN.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };
const DATA_MOUNT = { name: 'data', mountPath: '/data' };
const DATA = { name: 'data', persistentVolumeClaim: { claimName: 'data' } };

const served = (spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'tool',
    namespace: 'shop',
    labels: { app: 'tool' },
    annotations: { note: 'keep' },
    finalizers: ['example.com/hold'],
    uid: 'u1',
    resourceVersion: '7',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    deletionTimestamp: '2026-01-02T00:00:00Z',
    deletionGracePeriodSeconds: 30,
    managedFields: [{ manager: 'kubectl' }],
  },
  spec: {
    nodeName: 'worker-1',
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', tolerationSeconds: 300 }],
    containers: [{ name: 'main', image: 'main', env: [{ name: 'A', value: 'b' }], volumeMounts: [DATA_MOUNT] }],
    volumes: [DATA],
    ...spec,
  },
  status: { phase: 'Running' },
});

describe('`manifestOf()`', () => {
  it('leaves out what network plugins have said of that one Pod, and keeps what was asked of them', () => {
    const annotations = {
      'cni.projectcalico.org/containerID': 'a1',
      'cni.projectcalico.org/podIP': '10.0.0.1/32',
      'cni.projectcalico.org/podIPs': '10.0.0.1/32',
      'cni.projectcalico.org/ipAddrs': '["10.0.0.1"]',
      'k8s.v1.cni.cncf.io/network-status': '[]',
      'k8s.v1.cni.cncf.io/networks-status': '[]',
      'k8s.v1.cni.cncf.io/networks': 'macvlan',
      'k8s.ovn.org/pod-networks': '{}',
      'ovn.kubernetes.io/allocated': 'true',
      'ovn.kubernetes.io/routed': 'true',
      'net1.ns.ovn.kubernetes.io/allocated': 'true',
      'ovn.kubernetes.io/logical_switch': 'blue',
      'vpc.amazonaws.com/pod-eni': '[]',
      'sidecar.istio.io/status': '{}',
    };
    const pod = served();
    const manifest = manifestOf({ ...pod, metadata: { ...pod.metadata, annotations } });
    expect(Object.keys((manifest.metadata as { annotations: object }).annotations)).toEqual([
      'cni.projectcalico.org/ipAddrs',
      'k8s.v1.cni.cncf.io/networks',
      'ovn.kubernetes.io/logical_switch',
      'sidecar.istio.io/status',
    ]);
  });

  it('keeps name, labels, annotations, finalizers and the spec, and drops what belongs to that one Pod', () => {
    const { nodeName: _, ...spec } = served().spec;
    expect(manifestOf(served())).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'tool',
        namespace: 'shop',
        labels: { app: 'tool' },
        annotations: { note: 'keep' },
        finalizers: ['example.com/hold'],
      },
      spec,
    });
  });

  it('drops the injected token volume and its mounts, in all containers', () => {
    const container = { name: 'main', volumeMounts: [DATA_MOUNT, TOKEN_MOUNT] };
    const manifest = manifestOf(
      served({ containers: [container], initContainers: [container], volumes: [DATA, TOKEN] }),
    );
    expect(manifest.spec).toMatchObject({
      containers: [{ name: 'main', volumeMounts: [DATA_MOUNT] }],
      initContainers: [{ name: 'main', volumeMounts: [DATA_MOUNT] }],
      volumes: [DATA],
    });
  });

  it('keeps a token volume of the Pod’s own', () => {
    const volumes = [{ ...TOKEN, name: 'my-token' }];
    expect(manifestOf(served({ volumes })).spec).toMatchObject({ volumes });
    const wanted = { volumes: [TOKEN], automountServiceAccountToken: false };
    expect(manifestOf(served(wanted)).spec).toMatchObject(wanted);
  });

  it('drops ephemeral containers, with which no Pod can be created', () => {
    expect(manifestOf(served({ ephemeralContainers: [{ name: 'debugger' }] })).spec).not.toHaveProperty(
      'ephemeralContainers',
    );
  });
});
