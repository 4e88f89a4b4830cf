/** The writes of a roll on Nodes: its record, together with the taint, in one request each. */
import { annotationOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import { formatRecord, isOpen, parseRecord, ROLL_ANNOTATION, type RollRecord } from '../../core/roll-record.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { isKubeError, isRefusal } from '../../kube/http/errors.ts';
import { editNode, type NodeChange, type ReadNode } from '../../kube/write/node-edit.ts';
import { sleep } from '../../runtime/sleep.ts';
import type { MaintenanceTaint } from '../../tmm/names.ts';
import { conflictingTaint } from '../nodes/node-facts.ts';
import { hasTaint, rawTaint, withoutTaint } from '../nodes/requests.ts';

/**
 * The result of a write.
 *
 * - `Written`: it is on the Node.
 * - `Withheld`: the Node is not as the decision saw it; nothing was written.
 * - `NotFound`: there is no such Node, or another one has its name.
 * - `Refused`: the API server refuses it; a retry would not help.
 * - `Abandoned`: the user has given up waiting for it.
 */
export type Written =
  | { readonly is: 'Written' | 'Withheld'; readonly node: Node }
  | { readonly is: 'NotFound' | 'Abandoned' }
  | { readonly is: 'Refused'; readonly why: string };

export interface RollWrites {
  /** Takes a Node into the roll, unless another roll is under way on it. */
  claim(
    name: string,
    uid: string,
    record: RollRecord,
    isFree: (before: string | undefined) => boolean,
  ): Promise<Written>;
  /** Releases a Node that was claimed in vain. */
  unclaim(name: string, uid: string, id: string): Promise<Written>;
  enter(name: string, uid: string, record: RollRecord): Promise<Written>;
  mark(name: string, uid: string, record: RollRecord): Promise<Written>;
  release(name: string, uid: string, record: RollRecord): Promise<Written>;
}

export interface RollWritesOptions {
  readonly client: ApiClient;
  readonly taint: MaintenanceTaint;
  /** Gives up at once. */
  readonly abandon: AbortSignal;
  /** Called with a fault that is survived, and with undefined when it is over. */
  readonly trouble: (message: string | undefined) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

export function makeRollWrites({ client, taint, abandon, trouble }: RollWritesOptions): RollWrites {
  let isTroubled = false;
  /**
   * An unreachable or busy API server and conflicts are waited out: the work on the Node has been done, and its record must not be lost.
   */
  const persistently = async (
    name: string,
    uid: string,
    change: (read: ReadNode) => NodeChange | undefined,
  ): Promise<Written> => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      let isWithheld = false;
      try {
        const read = await editNode(
          client,
          name,
          (each) => {
            const wanted = each.node.metadata.uid === uid ? change(each) : undefined;
            isWithheld = wanted === undefined;
            return wanted;
          },
          abandon,
        );
        if (isTroubled) trouble(undefined);
        isTroubled = false;
        if (read === undefined || read.node.metadata.uid !== uid) return { is: 'NotFound' };
        return { is: isWithheld ? 'Withheld' : 'Written', node: read.node };
      } catch (error) {
        if (abandon.aborted) return { is: 'Abandoned' };
        if (!isKubeError(error)) throw error;
        if (isRefusal(error)) return { is: 'Refused', why: error.message };
        trouble(error.message);
        isTroubled = true;
      }
      await sleep(pauseMs, abandon);
    }
  };
  const ifOurs =
    (record: RollRecord, change: (read: ReadNode) => NodeChange | undefined) =>
    (read: ReadNode): NodeChange | undefined => {
      const seen = parseRecord(annotationOf(read.node, ROLL_ANNOTATION));
      const isOurs = seen.is !== 'valid' || (seen.record.id === record.id && seen.record.runner === record.runner);
      return isOurs ? change(read) : undefined;
    };
  const annotations = (record: RollRecord): NonNullable<NodeChange['annotations']> => ({
    [ROLL_ANNOTATION]: formatRecord(record),
  });
  return {
    claim: (name, uid, record, isFree) =>
      persistently(name, uid, ({ node }) =>
        isFree(annotationOf(node, ROLL_ANNOTATION)) ? { annotations: annotations(record) } : undefined,
      ),
    unclaim: (name, uid, id) =>
      persistently(name, uid, ({ node }) => {
        const seen = parseRecord(annotationOf(node, ROLL_ANNOTATION));
        return seen.is === 'valid' && seen.record.id === id ? { annotations: { [ROLL_ANNOTATION]: null } } : undefined;
      }),
    enter: (name, uid, record) =>
      persistently(
        name,
        uid,
        ifOurs(record, ({ node, rawTaints }) =>
          hasTaint(node, taint) || conflictingTaint(node, taint) !== undefined
            ? undefined
            : { annotations: annotations(record), taints: [...rawTaints, rawTaint(taint)] },
        ),
      ),
    mark: (name, uid, record) =>
      persistently(
        name,
        uid,
        ifOurs(record, () => ({ annotations: annotations(record) })),
      ),
    release: (name, uid, record) =>
      persistently(
        name,
        uid,
        ifOurs(record, ({ rawTaints }) => ({
          annotations: annotations(record),
          taints: withoutTaint(rawTaints, taint),
        })),
      ),
  };
}

/** Whether a Node may be taken into a roll: no other roll has anything left to do on it. */
export function isFreeFor(id: string): (annotation: string | undefined) => boolean {
  return (annotation) => {
    const seen = parseRecord(annotation);
    if (seen.is !== 'valid') return seen.is === 'none';
    return seen.record.id === id || !isOpen(seen.record.state);
  };
}
