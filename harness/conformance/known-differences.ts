/** The known differences between the sandbox and a real API server. `docs/sandbox.md` lists the same, and a test compares the two. */
import type { Step } from './request-parts.ts';

/** The compared parts of an answer. */
export interface Compared {
  readonly code: number;
  readonly faults?: readonly string[];
}

export interface Difference {
  readonly what: string;
  readonly why: string;
  /** Whether this difference explains the two answers; absent for differences that random requests do not reach. */
  readonly explains?: (step: Step, sandbox: Compared, real: Compared) => boolean;
}

const isApply = ({ type }: Step): boolean => type === 'application/apply-patch+yaml';

export const KNOWN_DIFFERENCES: readonly Difference[] = [
  {
    what: 'Server-side apply of wrong types answers 400 or 422 with what is wrong, and fields that the kind does not have are dropped; the real server answers 500.',
    why: 'It fails in the conversion, before it validates or prunes.',
    explains: (step, _, real) => isApply(step) && real.code === 500,
  },
  {
    what: 'Of several faults of one request another one may be answered first (404, 409, 422 and 400 in another order).',
    why: 'The order in which the real server looks differs by kind and is promised to nobody.',
    explains: (_, sandbox, real) =>
      sandbox.code >= 400 && real.code >= 400 && sandbox.code !== real.code && real.code !== 500,
  },
  {
    what: 'Conflicts of server-side apply may name more or fewer fields.',
    why: 'Who owns what the server itself fills in is guessed; whether there is a conflict is not.',
    explains: (step, sandbox, real) => isApply(step) && sandbox.code === 409 && real.code === 409,
  },
  {
    what: 'A change of a Pod or a claim that is forbidden is told of `spec` as a whole, without what differs.',
    why: 'The real server names single fields for some of them, and adds a comparison of its own structs.',
    explains: ({ method, path }, sandbox, real) =>
      method !== 'POST' && path.includes('/pods/') && sandbox.code === 422 && real.code === 422,
  },
  {
    what: 'Statuses are taken as they come; their numbers and phases are not validated.',
    why: 'They are written by controllers, and those of the sandbox write right ones.',
  },
  {
    what: 'No RBAC, no impersonation (`--as`), no admission webhooks or policies, no quotas and limit ranges in effect; every known token may do everything.',
    why: 'What they decide is tested on a real control plane.',
  },
  {
    what: 'No ServiceAccount admission: Pods get no token volume.',
    why: 'Nothing in the sandbox reads it.',
  },
  {
    what: 'Special types of Secrets (`kubernetes.io/tls`, …), CIDRs of Nodes, and whether a class lets its claims grow are not checked.',
    why: 'The program writes none of them.',
    explains: ({ path }, sandbox, real) =>
      path.includes('/persistentvolumeclaims/') && sandbox.code === 200 && real.code === 403,
  },
  {
    what: '`managedFields` of updates (not of server-side apply) may list structs otherwise, times of writes that change nothing differ, a DaemonSet that is replaced by its equal is not written anew, nor is a claim when it is first patched with nothing.',
    why: 'They follow from which Go fields are pointers; no client decides by them.',
    explains: ({ path }, sandbox, real) =>
      /\/(daemonsets|persistentvolumeclaims)\?watch=1/.test(path) ||
      (path.includes('/persistentvolumeclaims/') && sandbox.code === 200 && real.code === 409),
  },
  {
    what: 'No metrics, no audit webhooks, no API Priority and Fairness, no aggregated API servers, no `v1beta1` of built-in groups.',
    why: 'The sandbox is for development and tests. Throttling is scripted as a fault.',
  },
  {
    what: '`kubectl explain` shows fields and types without their descriptions and the values of enumerations.',
    why: 'They are megabytes.',
  },
  {
    what: 'Logs of Pods are empty, `exec`, `attach`, `port-forward` and `cp` are not served, and what container an ephemeral one is aimed at is not looked at.',
    why: 'Nothing runs in the Pods.',
  },
  {
    what: 'Kinds of `admissionregistration`, `apiregistration`, `autoscaling`, `certificates`, `discovery`, `flowcontrol`, `networking`, `node` and `resource` are not served, nor are ComponentStatuses, PodTemplates, CSIStorageCapacities, VolumeAttributesClasses and LocalSubjectAccessReviews.',
    why: 'Nobody in the sandbox acts on them. Every other kind is served under all its names, with its verbs, columns and categories.',
  },
  {
    what: 'Services have addresses, in order and not at random, and no Endpoints.',
    why: 'There is no network behind them.',
  },
  {
    what: 'Answers are JSON (no YAML, no protobuf, no `v1beta1` of tables), and the paths below `/watch/` are not served.',
    why: 'Clients that prefer another form accept JSON too, and the paths are older than they are.',
  },
  {
    what: 'Bookmarks come every minute, two seconds before the end of a watch, and after what a watch begins with, and are bare metadata; those of the real server come at moments of its own, with the empty fields of the kind.',
    why: 'Nobody is promised when one comes, and nobody reads more of it.',
  },
  {
    what: 'A list at `resourceVersion=0` is never behind.',
    why: 'The real server answers it from a cache that may be.',
    explains: ({ method, path }) => method === 'GET' && path.includes('resourceVersion=0'),
  },
  {
    what: 'Times that Go writes as `null` where they are not set (`lastProbeTime` of conditions) are left out.',
    why: 'Clients read both alike.',
  },
  {
    what: 'Hashes in the names of ReplicaSets and ControllerRevisions are other ones, and Nodes have made-up versions and addresses.',
    why: 'They are hashes of Go structs, and there are no machines.',
  },
  {
    what: 'A CustomResourceDefinition is served in the moment in which it is created.',
    why: 'The real server needs a moment, and says so by the condition `Established`.',
  },
];
