/** Explains the state of a Machine to people, by the very rules that the bridge acts on. */
import type { Explanation, Outlook } from '../core/explanation.ts';
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  MAINTENANCE_LABEL,
  PAUSED_ANNOTATION,
} from '../core/machine-keys.ts';
import type { Cluster, DatedMachine, Machine } from '../core/machine-objects.ts';
import { isDeleting, keyOf } from '../core/meta.ts';
import type { Lister } from '../core/ports.ts';
import { parseProviderID } from '../core/provider-id.ts';
import { decide } from './decide.ts';
import { type DrainTelling, tellDrain } from './drain/explain.ts';
import { clusterOf, hasHook, isPausedItself, timerOf } from './machines.ts';
import type { Because } from './names.ts';
import type { Observed } from './observed.ts';
import { isMarkedStale, KEYS, QUESTIONS } from './questions.ts';
import type { CapiSettings } from './settings.ts';

/** The facts about a Machine besides the object itself. */
export type MachineLook = Pick<Observed, 'cluster' | 'node' | 'connection' | 'nowMs'>;

type Telling = Pick<Explanation, 'summary' | 'waitsFor' | 'preparation' | 'release' | 'reason'>;

export function explainMachine(machine: DatedMachine, look: MachineLook, settings: CapiSettings): Explanation {
  const { requestedAt } = machine;
  const observed: Observed = { machine, ownsNode: true, hasPredecessor: false, ...look };
  const { because } = decide(observed, { settings, memory: {} });
  const since = isDeleting(machine) ? machine.metadata.deletionTimestamp : requestedAt;
  const deadline = because === 'DeletionWaiting' ? hookDeadline(machine, settings) : undefined;
  const drain = tellDrain(machine);
  const underWay = drain !== undefined || isUnderWay(because, observed);
  const { nodeName } = machine.status;
  const host = hostOf(machine);
  const besides = [...(nodeName === undefined ? [] : [`node/${nodeName}`]), ...(host === undefined ? [] : [host])];
  return {
    kind: 'Machine',
    name: keyOf(machine),
    state: because,
    outlook: underWay ? (drain?.outlook ?? OUTLOOK[because]) : 'Idle',
    isUnderWay: underWay,
    ...(since !== undefined && { since }),
    ...(deadline !== undefined && { deadline }),
    ...(drain === undefined ? tell(because, observed) : toldOf(drain)),
    ...(besides.length > 0 && { besides }),
    details: [
      `Cluster: ${clusterOf(machine) ?? 'none'}`,
      `Node: ${nodeName ?? 'none yet'}`,
      `Pre-drain hook: ${hasHook(machine) ? 'set' : 'not set'}`,
      // Only its host shows whether the machine is off.
      ...(host === undefined ? [] : [`Its host: maintenance-bridge why ${host}`]),
      ...QUESTIONS.filter((question) => isMarkedStale(question, machine)).map(
        (question) =>
          `To be taken back and given anew: ${KEYS[question].approval}, which was there before it was asked for`,
      ),
      ...(machine.forcedKeys ?? []).map((key) => `Forced by a template: ${key}`),
    ],
  };
}

function toldOf({ outlook: _outlook, ...telling }: DrainTelling): Telling {
  return telling;
}

/**
 * Explains a Machine without asking its workload cluster: the bridge copies the Node's answer to the Machine at once. The hook shows
 * whether the Node has the label of `capi.requireNodeLabel`.
 *
 * @param clusters hold those of the Machine's namespace.
 */
export function explainUnasked(
  machine: DatedMachine,
  { clusters, settings, nowMs }: { clusters: Lister<Cluster>; settings: CapiSettings; nowMs: number },
): Explanation {
  const { nodeName: name } = machine.status;
  const labels = hasHook(machine) ? { [settings.requireNodeLabel]: '' } : {};
  const node: Observed['node'] =
    name === undefined
      ? { is: 'none' }
      : { is: 'present', object: { metadata: { name, uid: '', resourceVersion: '', labels } } };
  const owner = clusters.get(clusterOf(machine) ?? '');
  const cluster = owner.is === 'present' ? owner.object : undefined;
  const explanation = explainMachine(machine, { cluster, node, connection: undefined, nowMs }, settings);
  if (owner.is !== 'unknown') return explanation;
  return {
    ...explanation,
    details: [...explanation.details, 'Not seen: its Cluster, which may be paused or on its way out'],
  };
}

function hostOf({ spec }: Machine): string | undefined {
  const named = parseProviderID(spec.providerID);
  return named.is === 'named' ? `baremetalhost/${named.namespace}/${named.host}` : undefined;
}

/** RFC 3339; when the hook is released without approval. Absent if it is held forever, or the Node has not been labelled yet. */
function hookDeadline(machine: Machine, { hookTimeoutMs }: CapiSettings): string | undefined {
  const sinceMs = timerOf(machine);
  if (sinceMs === undefined || hookTimeoutMs === 0) return undefined;
  return new Date(sinceMs + hookTimeoutMs).toISOString();
}

/** The outlook of each state while something is under way. */
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
  const isLeft = because === 'NotEnabled' && hasHook(machine);
  return isLeft || (isDeleting(machine) ? because !== 'NotEnabled' : !AT_REST.has(because));
}

function tell(because: Because, observed: Observed): Telling {
  const { machine, node: seen, connection } = observed;
  const { name, namespace } = machine.metadata;
  const node = machine.status.nodeName ?? '';
  const cluster = clusterOf(machine) ?? '';
  const onMachine = `kubectl -n ${namespace} label machine ${name}`;
  const label = (key: string): string => `Node ${node} of cluster ${cluster}: label ${key}=true`;
  switch (because) {
    case 'NotEnabled':
      if (hasHook(machine)) {
        return {
          summary: 'It does not take part, but our hook is there',
          waitsFor: 'the bridge, which takes it away; where none runs, the command does',
          release: `kubectl -n ${namespace} annotate machine ${name} ${HOOK_ANNOTATION}-`,
        };
      }
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
          ? // The only way to proceed without the Node's approval; the decision is the user's.
            {
              waitsFor: `a connection to cluster ${cluster}; the command deletes the Machine without the Node's approval`,
              release: `${onMachine} ${ENABLED_LABEL}-`,
            }
          : { waitsFor: `a connection to cluster ${cluster}` }),
      };
    case 'NodeGone':
      return {
        summary:
          seen.is === 'taken' ? `Its Node belongs to Machine ${seen.by} now` : 'There is no Node of that name any more',
      };
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

/** How to label the Node in its own cluster, whose kubeconfig is in the Secret that Cluster API keeps for it. */
function approval({ machine }: Observed, label: string): Pick<Explanation, 'preparation' | 'release'> {
  const { namespace } = machine.metadata;
  const { clusterName } = machine.spec;
  // A namespace contains no dot, so that no two clusters share a file.
  const file = `${namespace}.${clusterName}.kubeconfig`;
  return {
    preparation: `kubectl -n ${namespace} get secret ${clusterName}-kubeconfig -o go-template='{{.data.value | base64decode}}' > ${file}`,
    release: `kubectl --kubeconfig ${file} label node ${machine.status.nodeName ?? ''} ${label}=true`,
  };
}
