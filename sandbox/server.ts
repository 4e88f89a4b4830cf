/** An API server without its network: a store, the kinds, and the initial objects. */
import { Accounts } from './accounts.ts';
import type { SandboxClock } from './api.ts';
import type { Context } from './context.ts';
import { cleanUpDefinitions, serve } from './custom/definitions.ts';
import { DEFINITIONS } from './custom/established.ts';
import { InProcessApi } from './in-process.ts';
import { Registry } from './kinds/registry.ts';
import { Store, type StoreOptions } from './store/store.ts';

export interface ServerCore {
  readonly context: Context;
  readonly api: InProcessApi;
  stop(): void;
}

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
const PRIORITY_CLASSES = [
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
];

/** The address by which Pods would reach the API server. */
const KUBERNETES = {
  metadata: { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
};

/** Namespaces, priority classes and Service `kubernetes` exist on return. */
export function makeServer(clock: SandboxClock, options: Omit<StoreOptions, 'onCommit'> = {}): ServerCore {
  const registry = new Registry();
  const store = new Store({
    ...options,
    onCommit: (collection, { type, object }) => {
      if (collection === DEFINITIONS) serve(registry, object, type === 'DELETED');
    },
  });
  const context: Context = { store, registry, clock, accounts: new Accounts() };
  const api = new InProcessApi(context);
  for (const name of NAMESPACES) api.create('namespaces', { metadata: { name } });
  for (const { name, ...fields } of PRIORITY_CLASSES) {
    api.create('priorityclasses.scheduling.k8s.io', { metadata: { name }, ...fields });
  }
  api.create('services', KUBERNETES, 'default');
  return { context, api, stop: cleanUpDefinitions(context) };
}
