/**
 * The resources that CustomResourceDefinitions define: read from each definition as it is stored, so that a kind is served as soon as its
 * definition is created. Deleting a definition deletes its objects, and it is removed when the last of them has gone.
 */
import { setImmediate } from 'node:timers';
import type { Stored } from '../api.ts';
import type { Context } from '../context.ts';
import { isObject, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Column, Resource, Subresource } from '../kinds/resource.ts';
import { changeObject } from '../write/change.ts';
import { deleteObject } from '../write/delete.ts';
import { CLEANUP, DEFINITIONS } from './established.ts';
import { customSchema } from './schema.ts';

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const READ_WRITE = ['get', 'patch', 'update'];

/** Makes the registry serve the resources of a definition, or stop serving them. */
export function serve(registry: Registry, definition: Stored, isGone: boolean): void {
  registry.replaceCustom(definition.metadata.uid, isGone ? [] : resourcesOf(definition));
}

/** Versions in the order of preference: GA before beta before alpha, then the higher number (apimachinery `version.CompareKubeAwareVersionStrings`). */
function resourcesOf({ spec, metadata }: Stored): Resource[] {
  const { group, names, scope, versions } = objectOf(spec);
  const all = listOf(versions).map(objectOf);
  const storedVersion = textOf(all.find(({ storage }) => storage === true)?.name);
  const { plural, singular, kind, listKind, shortNames, categories } = objectOf(names);
  return all
    .filter(({ served }) => served === true)
    .toSorted((left, right) => rankOf(textOf(right.name)) - rankOf(textOf(left.name)))
    .map((version) => {
      const openApi = objectOf(objectOf(version.schema).openAPIV3Schema);
      const { status, scale } = objectOf(version.subresources);
      return {
        group: textOf(group),
        version: textOf(version.name),
        plural: textOf(plural),
        singular: textOf(singular) || textOf(kind).toLowerCase(),
        kind: textOf(kind),
        listKind: textOf(listKind) || `${textOf(kind)}List`,
        isNamespaced: scope === 'Namespaced',
        shortNames: listOf(shortNames).map(textOf),
        categories: listOf(categories).map(textOf),
        verbs: ALL_VERBS,
        subresources: subresourcesOf(textOf(kind), isObject(status), isObject(scale)),
        schema: customSchema(openApi),
        collection: metadata.name,
        storedAs: `${textOf(group)}/${storedVersion}`,
        custom: {
          definition: metadata.uid,
          openApi,
          columns: columnsOf(version),
          selectableFields: listOf(version.selectableFields).map((field) =>
            textOf(objectOf(field).jsonPath).replace(/^\./, ''),
          ),
          scale: isObject(scale) ? scaleOf(scale) : undefined,
        },
      };
    });
}

function subresourcesOf(kind: string, status: boolean, scale: boolean): Subresource[] {
  return [
    ...(status ? [{ name: 'status', kind, verbs: READ_WRITE }] : []),
    ...(scale ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: READ_WRITE }] : []),
  ];
}

function scaleOf({ specReplicasPath, statusReplicasPath, labelSelectorPath }: JsonObject) {
  return {
    specReplicasPath: textOf(specReplicasPath),
    statusReplicasPath: textOf(statusReplicasPath),
    ...(typeof labelSelectorPath === 'string' && { labelSelectorPath }),
  };
}

function columnsOf({ additionalPrinterColumns }: JsonObject): Column[] {
  return listOf(additionalPrinterColumns).map((raw) => {
    const { name, type, format, description, priority, jsonPath } = objectOf(raw);
    return {
      name: textOf(name),
      type: textOf(type),
      jsonPath: textOf(jsonPath),
      ...(typeof format === 'string' && { format }),
      ...(typeof description === 'string' && { description }),
      ...(typeof priority === 'number' && { priority }),
    };
  });
}

const STABILITY: Readonly<Record<string, number>> = { alpha: 0, beta: 1 };

/** Higher is preferred. */
export function rankOf(version: string): number {
  const found = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (found === null) return -1;
  const [, major, stability, minor] = found;
  const level = stability === undefined ? 2 : (STABILITY[stability] ?? 0);
  return level * 1_000_000 + Number(major) * 1000 + Number(minor ?? 0);
}

/** Removes the objects of deleted definitions, and then the definitions. @returns a function that stops this. */
export function cleanUpDefinitions(context: Context): () => void {
  const { store, registry } = context;
  const definitions = store.collection(DEFINITIONS);
  const follows = new Map<string, () => void>();
  const clean = (definition: Stored): void => {
    const objects = store.collection(definition.metadata.name);
    const resource = registry.all().find(({ custom }) => custom?.definition === definition.metadata.uid);
    for (const { metadata } of objects.list()) {
      if (resource !== undefined && metadata.deletionTimestamp === undefined) {
        deleteObject(context, resource, metadata.namespace, metadata.name, {});
      }
    }
    if (objects.size === 0) finish(context, definition.metadata.name);
    else if (!follows.has(definition.metadata.name)) {
      const stop = store.follow(objects, store.version, () => {
        if (objects.size > 0) return;
        stop();
        follows.delete(definition.metadata.name);
        finish(context, definition.metadata.name);
      });
      follows.set(definition.metadata.name, stop);
    }
  };
  const stop = store.follow(definitions, store.version, (commits) => {
    for (const { type, object } of commits) {
      if (type === 'DELETED' || object.metadata.deletionTimestamp === undefined) continue;
      if (object.metadata.finalizers?.includes(CLEANUP) === true) setImmediate(clean, object);
    }
  });
  return () => {
    stop();
    for (const end of follows.values()) end();
  };
}

function finish(context: Context, name: string): void {
  const resource = context.registry.byName(DEFINITIONS);
  if (resource === undefined || context.store.collection(DEFINITIONS).get(name) === undefined) return;
  const target = { resource, namespace: undefined, name, subresource: '' } as const;
  const withoutCleanup = (current: Stored): JsonObject => ({
    ...current,
    metadata: {
      ...current.metadata,
      finalizers: (current.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP),
    },
  });
  changeObject(context, target, withoutCleanup, { manager: 'kube-apiserver' });
}
