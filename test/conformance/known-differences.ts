/**
 * Where the sandbox is knowingly unlike a real API server. `docs/sandbox.md` lists the same, and a test compares the two.
 */
import type { Step } from '../sandbox/requests.ts';

/** What is compared of an answer. */
export interface Compared {
  readonly code: number;
  readonly faults?: readonly string[];
}

export interface Difference {
  readonly what: string;
  readonly why: string;
  /** Whether this difference explains the two answers; absent for what random requests do not meet. */
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
    what: 'A change of a Pod that is forbidden is told of `spec` as a whole.',
    why: 'The real server names single fields for some of them.',
    explains: ({ method, path }, sandbox, real) =>
      method !== 'POST' && path.includes('/pods/') && sandbox.code === 422 && real.code === 422,
  },
  {
    what: 'Statuses are taken as they come; their numbers and phases are not validated.',
    why: 'They are written by controllers, and those of the sandbox write right ones.',
  },
  {
    what: 'No RBAC, no admission webhooks or policies, no quotas and limit ranges in effect; every known token may do everything.',
    why: 'What they decide is tested on a real control plane.',
  },
  {
    what: 'No ServiceAccount admission: Pods get no token volume.',
    why: 'Nothing in the sandbox reads it.',
  },
  {
    what: 'Special types of Secrets (`kubernetes.io/tls`, …) and CIDRs of Nodes are not checked.',
    why: 'The program does not write them.',
  },
  {
    what: '`managedFields` of updates (not of server-side apply) may list structs otherwise, and times of writes that change nothing differ.',
    why: 'They follow from which Go fields are pointers; no client decides by them.',
  },
  {
    what: 'No metrics, no audit webhooks, no API Priority and Fairness, no aggregated API servers, no `v1beta1` of built-in groups.',
    why: 'The sandbox is for development and tests. Throttling is scripted as a fault.',
  },
  {
    what: '`kubectl explain` shows fields and types without their descriptions, and logs of Pods are empty.',
    why: 'The descriptions are megabytes, and nothing runs in the Pods.',
  },
  {
    what: 'A CustomResourceDefinition is served in the moment in which it is created.',
    why: 'The real server needs a moment, and says so by the condition `Established`.',
  },
];
