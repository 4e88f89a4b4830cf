/** Writes that the bridge's rights permit, but its code never does. */
import type { PatchKind } from './rest.ts';

const P = 'runtime-extension-maintenance-controller.cloud.sap';
export const MACHINE = '/apis/cluster.x-k8s.io/v1beta2/namespaces/metal/machines/machine-1';
const HOST = '/apis/metal3.io/v1alpha1/namespaces/metal/baremetalhosts/machine-1';
export const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io';

/** Labels of the maintenance of Machines and their Nodes, by the end of their keys. */
export const prefixed = (labels: Readonly<Record<string, string | null>>): Readonly<Record<string, string | null>> =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${P}/${key}`, value]));

/** One write, and how a policy of the chart denies it. */
export interface Attempt {
  readonly what: string;
  readonly path: string;
  readonly body: object;
  /** @default merge */
  readonly kind?: PatchKind | 'create' | 'delete';
  /** The name of the policy. */
  readonly suffix: string;
  readonly says: string;
}

/** On Pod `policy/tool`, Node `policy-b`, Machine and host `metal/machine-1`, and Secret `theirs` of the bridge's namespace. */
export function forbiddenWrites(ownNamespace: string): readonly Attempt[] {
  return [
    {
      what: 'the image of a Pod',
      path: '/api/v1/namespaces/policy/pods/tool',
      body: { spec: { containers: [{ name: 'main', image: 'registry.invalid/other' }] } },
      kind: 'strategic-merge',
      suffix: 'pods',
      says: 'never changes spec.containers',
    },
    {
      what: 'a label of a Pod',
      path: '/api/v1/namespaces/policy/pods/tool',
      body: { metadata: { labels: { app: 'other' } } },
      suffix: 'pods',
      says: 'never changes metadata.labels.app',
    },
    {
      what: 'an annotation of a Pod that is not ours',
      path: '/api/v1/namespaces/policy/pods/tool',
      body: { metadata: { annotations: { 'example.com/theirs': 'x', 'emm-failure': 'GenericFailure' } } },
      suffix: 'pods',
      says: 'never changes metadata.annotations.example.com/theirs',
    },
    {
      what: 'a finalizer of a Pod',
      path: '/api/v1/namespaces/policy/pods/tool',
      body: { metadata: { finalizers: ['example.com/stay'] } },
      suffix: 'pods',
      says: 'never changes metadata.finalizers',
    },
    {
      what: 'a taint of a Node',
      path: '/api/v1/nodes/policy-b',
      body: { spec: { taints: [{ key: 'a', value: 'b', effect: 'NoExecute' }] } },
      suffix: 'nodes',
      says: 'never changes spec.taints',
    },
    {
      what: 'a label of a Node, by its status',
      path: '/api/v1/nodes/policy-b/status',
      body: { metadata: { labels: { plot: null } } },
      suffix: 'nodes',
      says: 'never changes metadata.labels.plot',
    },
    {
      what: 'the condition Ready of a Node',
      path: '/api/v1/nodes/policy-b/status',
      body: { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      kind: 'strategic-merge',
      suffix: 'nodes',
      says: 'never changes the condition Ready',
    },
    {
      what: 'that a Node has the condition Ready',
      path: '/api/v1/nodes/policy-b/status',
      body: { status: { conditions: [{ type: 'Ready', $patch: 'delete' }] } },
      kind: 'strategic-merge',
      suffix: 'nodes',
      says: 'never changes the condition Ready',
    },
    {
      what: 'what a Node can hold',
      path: '/api/v1/nodes/policy-b/status',
      body: { status: { allocatable: { pods: '1' } } },
      suffix: 'nodes',
      says: 'never changes status.allocatable',
    },
    {
      what: 'the spec of a Machine',
      path: MACHINE,
      body: { spec: { providerID: 'other' } },
      suffix: 'machines',
      says: 'never changes spec.providerID',
    },
    {
      what: "somebody else's hook of a Machine",
      path: MACHINE,
      body: { metadata: { annotations: { [`${HOOK}/other`]: '' } } },
      suffix: 'machines',
      says: `never changes metadata.annotations.${HOOK}/other`,
    },
    {
      what: 'whether a Machine takes part',
      path: MACHINE,
      body: { metadata: { labels: prefixed({ enabled: null }) } },
      suffix: 'machines',
      says: `never changes metadata.labels.${P}/enabled`,
    },
    {
      what: 'whether a host is on',
      path: HOST,
      body: { spec: { online: false } },
      suffix: 'baremetalhosts',
      says: 'never changes spec.online',
    },
    {
      what: 'a reboot of a host under another key',
      path: HOST,
      body: { metadata: { annotations: { 'reboot.metal3.io/other': '' } } },
      suffix: 'baremetalhosts',
      says: 'never changes metadata.annotations.reboot.metal3.io/other',
    },
    {
      what: 'a Secret of another type',
      path: `/api/v1/namespaces/${ownNamespace}/secrets`,
      body: { metadata: { name: 'tmm-pod-0' }, type: 'Opaque' },
      kind: 'create',
      suffix: 'stored-pods',
      says: 'no Secrets but those of type maintenance-bridge.io/pod',
    },
    {
      what: "somebody else's Secret, which goes",
      path: `/api/v1/namespaces/${ownNamespace}/secrets/theirs`,
      body: {},
      kind: 'delete',
      suffix: 'stored-pods',
      says: 'no Secrets but those of type maintenance-bridge.io/pod',
    },
    {
      what: 'a Pod past the scheduler',
      path: '/api/v1/namespaces/policy/pods',
      body: { metadata: { name: 'root' }, spec: { nodeName: 'policy-b', containers: [{ name: 'a', image: 'a' }] } },
      kind: 'create',
      suffix: 'restored-pods',
      says: 'in spec.nodeName',
    },
  ];
}
