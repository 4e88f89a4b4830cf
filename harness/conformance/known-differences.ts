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
    what: 'Server-side apply of wrong types is answered with 400 or 422 and a description of the error, and unknown fields are dropped; the real server answers 500.',
    why: 'Its conversion fails, before it validates or prunes.',
    explains: (step, _, real) => isApply(step) && real.code === 500,
  },
  {
    what: 'If a request has several errors, a different one may be reported first (404, 409, 422 and 400 in another order).',
    why: 'The order in which the real server checks differs by kind and is not guaranteed.',
    explains: (_, sandbox, real) =>
      sandbox.code >= 400 && real.code >= 400 && sandbox.code !== real.code && real.code !== 500,
  },
  {
    what: 'Conflicts of server-side apply may name more or fewer fields.',
    why: 'The owner of fields that the server itself fills in is guessed; whether there is a conflict is not.',
    explains: (step, sandbox, real) => isApply(step) && sandbox.code === 409 && real.code === 409,
  },
  {
    what: 'A forbidden change of a Pod or a claim is reported for `spec` as a whole, without the differing fields.',
    why: 'The real server names single fields for some of them, and adds a comparison of its own structs.',
    explains: ({ method, path }, sandbox, real) =>
      method !== 'POST' && path.includes('/pods/') && sandbox.code === 422 && real.code === 422,
  },
  {
    what: 'Statuses are stored as they are sent; their numbers and phases are not validated.',
    why: 'Controllers write them, and those of the sandbox write correct ones.',
  },
  {
    what: 'No RBAC, no impersonation (`--as`), no admission webhooks or policies, quotas and limit ranges have no effect; every known token may do everything.',
    why: 'Their decisions are tested on a real control plane.',
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
    what: '`managedFields` of updates (not of server-side apply) may list structs differently, times of writes that change nothing differ, and neither a DaemonSet that is replaced by an equal one nor a claim that is first patched with an empty patch is written again.',
    why: 'These differences result from which Go fields are pointers; no client depends on them.',
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
    why: 'These are megabytes of text.',
  },
  {
    what: 'Logs of Pods are empty, `exec`, `attach`, `port-forward` and `cp` are not served, and the target container of an ephemeral container is not checked.',
    why: 'Nothing runs in the Pods.',
  },
  {
    what: 'Kinds of `admissionregistration`, `apiregistration`, `autoscaling`, `certificates`, `discovery`, `flowcontrol`, `networking`, `node`, `resource` and `storagemigration` are not served, nor are ComponentStatuses, PodTemplates, CSIStorageCapacities, VolumeAttributesClasses and LocalSubjectAccessReviews.',
    why: 'No component of the sandbox acts on them. Every other kind is served under all its names, with its verbs, columns and categories.',
  },
  {
    what: 'Services get addresses in order, not at random, and have no Endpoints.',
    why: 'The sandbox has no network.',
  },
  {
    what: 'Responses are JSON (no YAML, no protobuf, no `v1beta1` of tables), and the paths below `/watch/` are not served.',
    why: 'Clients that prefer another format accept JSON too, and no current client uses these paths.',
  },
  {
    what: 'Bookmarks come every minute, two seconds before the end of a watch, and after the initial events of a watch, and contain only metadata; the real server sends them at other times, with the empty fields of the kind.',
    why: 'Their times are not guaranteed, and no client reads other fields.',
  },
  {
    what: 'A list at `resourceVersion=0` is never outdated.',
    why: 'The real server answers it from a cache that may be outdated.',
    explains: ({ method, path }) => method === 'GET' && path.includes('resourceVersion=0'),
  },
  {
    what: 'Unset times that Go writes as `null` (`lastProbeTime` of conditions) are left out.',
    why: 'Clients treat both the same.',
  },
  {
    what: 'Hashes in the names of ReplicaSets and ControllerRevisions differ, and Nodes have invented versions and addresses.',
    why: 'The real ones are hashes of Go structs, and the Nodes have no machines.',
  },
  {
    what: 'A CustomResourceDefinition is served as soon as it is created.',
    why: 'The real server takes a moment, and reports it by the condition `Established`.',
  },
];
