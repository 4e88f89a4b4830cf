/** Tells people how a Machine stands, by the very rules that the bridge acts on. */
import type { Explanation, Outlook } from '../core/explanation.ts';
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  ENABLED_LABEL,
  MAINTENANCE_LABEL,
  PAUSED_ANNOTATION,
} from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { isDeleting, keyOf } from '../core/meta.ts';
import { decide } from './decide.ts';
import { clusterOf, deletedAtMs, hasHook, isPausedItself } from './machines.ts';
import type { Because } from './names.ts';
import type { Observed } from './observed.ts';
import type { CapiSettings } from './settings.ts';

export interface MachineFacts {
  readonly observed: Observed;
  /** RFC 3339; when the maintenance label was last written, as far as the API server remembers. */
  readonly requestedAt?: string;
  readonly settings: CapiSettings;
}

type Telling = Pick<Explanation, 'summary' | 'waitsFor' | 'preparation' | 'release'>;

export function explainMachine({ observed, requestedAt, settings }: MachineFacts): Explanation {
  const { machine } = observed;
  const { because } = decide(observed, { settings, memory: {} });
  const since = isDeleting(machine) ? machine.metadata.deletionTimestamp : requestedAt;
  const deadline = because === 'DeletionWaiting' ? hookDeadline(machine, settings) : undefined;
  const underWay = isUnderWay(because, observed);
  return {
    kind: 'Machine',
    name: keyOf(machine),
    state: because,
    outlook: underWay ? OUTLOOK[because] : 'Idle',
    isUnderWay: underWay,
    ...(since !== undefined && { since }),
    ...(deadline !== undefined && { deadline }),
    ...tell(because, observed),
    details: [
      `Cluster: ${clusterOf(machine) ?? 'none'}`,
      `Node: ${machine.status.nodeName ?? 'none yet'}`,
      `Pre-drain hook: ${hasHook(machine) ? 'set' : 'not set'}`,
      ...hostLine(machine),
      ...(machine.forcedKeys ?? []).map((key) => `Forced by a template: ${key}`),
    ],
  };
}

/** Whether the machine is off is for its host to say. */
function hostLine({ spec: { providerID = '' } }: Machine): readonly string[] {
  const [, host] = /^metal3:\/\/([^/]+\/[^/]+)\/[^/]+$/.exec(providerID) ?? [];
  return host === undefined ? [] : [`Its host: maintenance-bridge why baremetalhost/${host}`];
}

/** RFC 3339; when the hook is let go without approval. Absent where it is held for ever. */
function hookDeadline(machine: Machine, { hookTimeoutMs }: CapiSettings): string | undefined {
  const deletedMs = deletedAtMs(machine);
  if (deletedMs === undefined || hookTimeoutMs === 0) return undefined;
  return new Date(deletedMs + hookTimeoutMs).toISOString();
}

/** Of what is under way. */
const OUTLOOK: Readonly<Record<Because, Outlook>> = {
  NotEnabled: 'Moving',
  NotSelected: 'Moving',
  Paused: 'Stuck',
  ClusterDeleting: 'Moving',
  NodePending: 'Moving',
  NodeUnknown: 'Stuck',
  NodeGone: 'Moving',
  Guarded: 'Idle',
  MaintenanceRequested: 'Waiting',
  MaintenanceApproved: 'Ready',
  DeletionWaiting: 'Waiting',
  DeletionApproved: 'Moving',
  HookTimedOut: 'Moving',
  Released: 'Moving',
};

const AT_REST: ReadonlySet<Because> = new Set(['NotEnabled', 'NotSelected', 'Guarded']);

function isUnderWay(because: Because, { machine }: Observed): boolean {
  return isDeleting(machine) ? because !== 'NotEnabled' || hasHook(machine) : !AT_REST.has(because);
}

function tell(because: Because, observed: Observed): Telling {
  const { machine, connection } = observed;
  const { name, namespace } = machine.metadata;
  const node = machine.status.nodeName ?? '';
  const cluster = clusterOf(machine) ?? '';
  const onMachine = `kubectl -n ${namespace} label machine ${name}`;
  const label = (key: string): string => `Node ${node} of cluster ${cluster}: label ${key}=true`;
  switch (because) {
    case 'NotEnabled':
      return { summary: 'It does not take part', release: `${onMachine} ${ENABLED_LABEL}=true` };
    case 'NotSelected':
      return { summary: 'Its Node does not take part' };
    case 'Paused':
      return {
        summary: 'It is paused, so nothing is done',
        waitsFor: 'whoever paused it',
        release: isPausedItself(machine)
          ? `kubectl -n ${namespace} annotate machine ${name} ${PAUSED_ANNOTATION}-`
          : `kubectl -n ${namespace} patch cluster ${machine.spec.clusterName} --type merge -p '{"spec":{"paused":false}}'`,
      };
    case 'ClusterDeleting':
      return { summary: 'Its Cluster is being deleted, so Cluster API does not look at hooks' };
    case 'NodePending':
      return { summary: 'It has no Node yet', waitsFor: 'Cluster API, which brings Machine and Node together' };
    case 'NodeUnknown':
      return {
        summary: `Its Node cannot be seen (${connection?.detail ?? connection?.state ?? 'no connection'})`,
        ...(isDeleting(machine)
          ? // The only way to go on without the Node's word; it is the user's to choose.
            {
              waitsFor: `a connection to cluster ${cluster}; the command deletes the Machine without the Node's approval`,
              release: `${onMachine} ${ENABLED_LABEL}-`,
            }
          : { waitsFor: `a connection to cluster ${cluster}` }),
      };
    case 'NodeGone':
      return { summary: 'There is no Node of that name any more' };
    case 'Guarded':
      return { summary: 'The hook is set, and nobody asks for anything' };
    case 'MaintenanceRequested':
      return {
        summary: 'Maintenance is requested',
        waitsFor: label(APPROVE_MAINTENANCE_LABEL),
        ...approval(observed, APPROVE_MAINTENANCE_LABEL),
      };
    case 'MaintenanceApproved':
      return {
        summary: 'The maintenance is approved',
        waitsFor: 'the user, who ends the maintenance',
        release: `${onMachine} ${MAINTENANCE_LABEL}-`,
      };
    case 'DeletionWaiting':
      return {
        summary: 'The deletion is held before the drain',
        waitsFor: label(APPROVE_DELETION_LABEL),
        ...approval(observed, APPROVE_DELETION_LABEL),
      };
    case 'DeletionApproved':
      return { summary: 'The Node approves the deletion' };
    case 'HookTimedOut':
      return { summary: 'The deletion was held for too long and is let go' };
    case 'Released':
      return { summary: 'The deletion is not held by us', waitsFor: 'Cluster API, which drains and deletes' };
  }
}

/** How to label the Node in the cluster where it lives, whose kubeconfig is in the Secret that Cluster API keeps for it. */
function approval({ machine }: Observed, label: string): Pick<Explanation, 'preparation' | 'release'> {
  const { namespace } = machine.metadata;
  const { clusterName } = machine.spec;
  // A namespace has no dot in its name, so that no two clusters share a file.
  const file = `${namespace}.${clusterName}.kubeconfig`;
  return {
    preparation: `kubectl -n ${namespace} get secret ${clusterName}-kubeconfig -o go-template='{{.data.value | base64decode}}' > ${file}`,
    release: `kubectl --kubeconfig ${file} label node ${machine.status.nodeName ?? ''} ${label}=true`,
  };
}
