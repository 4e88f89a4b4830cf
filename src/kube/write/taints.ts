/** Sets and removes one taint of a Node, while other clients may change its taints. */
import type { SetTaint } from '../../core/action.ts';
import { isSameTaint } from '../../core/meta.ts';
import { NODE } from '../../core/objects.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { isKubeError, KubeError } from '../http/errors.ts';
import { readNode } from './node-edit.ts';

interface Operation {
  readonly op: 'test' | 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Reads the Node for its taints in the server's own form, and patches it unless it is as wanted: the patch tests the whole list before it
 * changes it. A Node that has gone, or was replaced under its name, has no taint of ours.
 *
 * @throws KubeError; a conflict if the Node was changed in between.
 */
export async function setTaint(client: ApiClient, action: SetTaint): Promise<void> {
  const { target, taint, isSet, labels = {}, annotations = {} } = action;
  const read = await readNode(client, target.name);
  if (read === undefined || read.node.metadata.uid !== target.uid) return;
  const { node, rawTaints } = read;
  const at = (node.spec.taints ?? []).findIndex((each) => isSameTaint(each, taint));
  const isDone = (at !== -1) === isSet;
  const changes = [
    ...(isDone ? [] : isSet ? added(rawTaints, taint) : removed(rawTaints, at)),
    ...keyed('labels', node.metadata.labels, labels),
    ...keyed('annotations', node.metadata.annotations, annotations),
  ];
  if (changes.length === 0) return;
  const body: readonly Operation[] = [{ op: 'test', path: '/metadata/uid', value: target.uid }, ...changes];
  try {
    await client.request({ method: 'PATCH', path: pathOf(NODE, { name: target.name }), patchType: 'json', body });
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return;
    // A failed test is answered by 422: something else was written in between.
    if (isKubeError(error, 'Invalid')) {
      throw new KubeError({ reason: 'Conflict', code: error.code, message: error.message, cause: error });
    }
    throw error;
  }
}

function added(taints: readonly unknown[], { key, value, effect }: SetTaint['taint']): readonly Operation[] {
  const taint = { key, effect, ...(value !== undefined && value !== '' && { value }) };
  if (taints.length === 0) {
    return [
      { op: 'test', path: '/spec/taints', value: null },
      { op: 'add', path: '/spec/taints', value: [taint] },
    ];
  }
  return [
    { op: 'test', path: '/spec/taints', value: taints },
    { op: 'add', path: '/spec/taints/-', value: taint },
  ];
}

function removed(taints: readonly unknown[], at: number): readonly Operation[] {
  return [
    { op: 'test', path: '/spec/taints', value: taints },
    { op: 'remove', path: taints.length === 1 ? '/spec/taints' : `/spec/taints/${at}` },
  ];
}

function keyed(
  part: 'labels' | 'annotations',
  present: Readonly<Record<string, string>> = {},
  wanted: Readonly<Record<string, string | null>>,
): readonly Operation[] {
  const isMissing = Object.keys(present).length === 0;
  const changes = Object.entries(wanted).filter(([key, value]) => (present[key] ?? null) !== value);
  const root: readonly Operation[] =
    isMissing && changes.length > 0 ? [{ op: 'add', path: `/metadata/${part}`, value: {} }] : [];
  return [
    ...root,
    ...changes.map(([key, value]): Operation => {
      const path = `/metadata/${part}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      return value === null ? { op: 'remove', path } : { op: 'add', path, value };
    }),
  ];
}
