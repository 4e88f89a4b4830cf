/**
 * Namespaces: their initial objects, and their deletion (pkg/controller/namespace, serviceaccount, certificates).
 *
 * - Each has ServiceAccount `default`, and ConfigMap `kube-root-ca.crt` if there is a certificate.
 * - One that is being deleted is emptied, Pods within their grace period, and is removed when nothing is left in it.
 */
import type { Namespace } from '../base/kinds.ts';
import { isTerminating } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import { onResource } from './resources.ts';

const ACCOUNT = 'default';
const ROOT_CA = 'kube-root-ca.crt';
const KUBERNETES = 'kubernetes';

export function startNamespaces(world: World, rootCertificate: string | undefined): void {
  const contents = ['events'];
  const work = world.controller('Namespace', (name) => {
    const namespace = world.fresh('namespaces', name);
    if (namespace === undefined) return;
    if (isTerminating(namespace)) empty(world, namespace, contents);
    else furnish(world, name, rootCertificate);
  });
  world.mirror('namespaces').onChange(({ object }) => work.add(object.metadata.name));
  onResource(world, ({ resource, namespaced }) => {
    if (!namespaced || contents.includes(resource)) return;
    contents.push(resource);
    world.mirrorOf(resource).onChange(({ type, object }) => {
      const { namespace = '', name } = object.metadata;
      const isFurniture = name === ACCOUNT || name === ROOT_CA;
      const there = world.mirror('namespaces').get(namespace);
      if (there !== undefined && (isTerminating(there) || (isFurniture && type === 'DELETED'))) work.add(namespace);
    });
  });
}

function furnish(world: World, namespace: string, rootCertificate: string | undefined): void {
  if (world.mirror('serviceaccounts').get(`${namespace}/${ACCOUNT}`) === undefined) {
    world.createUnlessThere('serviceaccounts', { metadata: { name: ACCOUNT } }, namespace);
  }
  if (rootCertificate === undefined || world.mirror('configmaps').get(`${namespace}/${ROOT_CA}`) !== undefined) return;
  world.createUnlessThere(
    'configmaps',
    { metadata: { name: ROOT_CA }, data: { 'ca.crt': rootCertificate } },
    namespace,
  );
}

function empty(world: World, namespace: Namespace, contents: readonly string[]): void {
  const { name } = namespace.metadata;
  if (namespace.status?.phase !== 'Terminating') {
    world.patchStatus('namespaces', namespace, { phase: 'Terminating' });
  }
  let isEmpty = true;
  for (const resource of contents) {
    const objects = world.mirrorOf(resource).index('namespace', ({ metadata }) => metadata.namespace);
    for (const object of objects.get(name))
      if (!isTerminating(object)) world.delete(resource, object, { propagationPolicy: 'Background' });
    isEmpty &&= objects.get(name).length === 0;
  }
  const present = world.fresh('namespaces', name);
  if (!isEmpty || present === undefined) return;
  const finalizers = (present.spec?.finalizers ?? []).filter((each) => each !== KUBERNETES);
  world.finalizeNamespace(name, finalizers);
}
