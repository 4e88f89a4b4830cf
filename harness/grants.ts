/** Rights that a test removes and grants one by one, while the program runs. */

import type { ControlPlane, ServiceAccountName } from '../controlplane/controlplane.ts';
import type { RbacRule } from '../src/core/rbac.ts';
import { eventually } from './wait.ts';

const ROOT = '/apis/rbac.authorization.k8s.io/v1';

/** One verb on one resource: the smallest thing that can be granted. */
export interface Right {
  /** Empty for the core group. */
  readonly group: string;
  /** With the subresource: `pods/eviction`. */
  readonly resource: string;
  readonly verb: string;
  /** If absent, all objects. */
  readonly name?: string;
  /** If absent, the whole cluster. */
  readonly namespace?: string;
}

/**
 * The form for people, and for sorting: `patch nodes/status`, `list machines.cluster.x-k8s.io`, `get secrets in bridge`, `update
 * leases.coordination.k8s.io elected in bridge`.
 */
export function say({ group, resource, verb, name, namespace }: Right): string {
  const [kind = '', ...sub] = resource.split('/');
  const full = [group === '' ? kind : `${kind}.${group}`, ...sub].join('/');
  return `${verb} ${full}${name === undefined ? '' : ` ${name}`}${namespace === undefined ? '' : ` in ${namespace}`}`;
}

/** The rights in a list of rules; each once, sorted. */
export function rightsIn(rules: readonly Omit<RbacRule, 'because'>[], namespace?: string): readonly Right[] {
  const all = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [undefined] }) => {
    const scopes = resourceNames.map((name) => ({
      ...(name !== undefined && { name }),
      ...(namespace !== undefined && { namespace }),
    }));
    return apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) => scopes.map((scope) => ({ group, resource, verb, ...scope }))),
      ),
    );
  });
  const byName = new Map(all.map((right) => [say(right), right]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, right]) => right);
}

/** The rights of one ServiceAccount. */
export class Grants {
  readonly all: readonly Right[];
  readonly user: string;
  readonly #controlPlane: ControlPlane;
  readonly #account: ServiceAccountName;
  readonly #held = new Map<string, Right>();

  /** @param all the rights that may be granted; none is at first. The namespaces exist. */
  constructor(controlPlane: ControlPlane, account: ServiceAccountName, all: readonly Right[]) {
    this.#controlPlane = controlPlane;
    this.#account = account;
    this.all = all;
    this.user = `system:serviceaccount:${account.namespace}:${account.name}`;
  }

  /** Grants the rights that `isMeant` selects, besides those granted already, and returns when the API server permits them. */
  async grant(isMeant: (right: Right) => boolean): Promise<void> {
    const added = this.all.filter((right) => isMeant(right) && !this.#held.has(say(right)));
    if (added.length === 0) throw new Error('There is nothing more to be granted of that');
    for (const right of added) this.#held.set(say(right), right);
    const scopes = new Set([undefined, ...this.all.map(({ namespace }) => namespace)]);
    await Promise.all([...scopes].map((namespace) => this.#write(namespace)));
    await Promise.all(added.map((right) => this.#allowed(right)));
  }

  async #write(namespace: string | undefined): Promise<void> {
    const name = this.#account.name;
    const kind = namespace === undefined ? 'ClusterRole' : 'Role';
    const path = namespace === undefined ? ROOT : `${ROOT}/namespaces/${namespace}`;
    const rules = [...this.#held.values()]
      .filter((right) => right.namespace === namespace)
      .map(({ group, resource, verb, name }) => ({
        apiGroups: [group],
        resources: [resource],
        verbs: [verb],
        ...(name !== undefined && { resourceNames: [name] }),
      }));
    const apply = (plural: string, body: object): Promise<unknown> =>
      this.#controlPlane.api.patch(`${path}/${plural}/${name}`, body, 'apply', { fieldManager: 'test', force: true });
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const metadata = { name };
    await apply(`${kind.toLowerCase()}s`, { apiVersion, kind, metadata, rules });
    await apply(`${kind.toLowerCase()}bindings`, {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
      subjects: [{ kind: 'ServiceAccount', ...this.#account }],
    });
  }

  /** The API server loads roles by a watch, so wait for it. */
  #allowed(right: Right): Promise<true> {
    return eventually(async () => ((await isAllowed(this.#controlPlane, this.user, right)) ? true : undefined), {
      what: `the right to ${say(right)}`,
    });
  }
}

/** The API server's answer at this moment. */
export async function isAllowed(controlPlane: ControlPlane, user: string, right: Right): Promise<boolean> {
  const [resource = '', subresource] = right.resource.split('/');
  const resourceAttributes = { ...right, resource, subresource };
  const { status } = await controlPlane.api.create<{ status: { allowed: boolean } }>(
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    { spec: { user, resourceAttributes } },
  );
  return status.allowed;
}
