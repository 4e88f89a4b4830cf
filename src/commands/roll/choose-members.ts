/** Chooses the Nodes of a roll, their order, and the state in which each begins. Reads only. */
import { annotationOf } from '../../core/meta.ts';
import { NODE, type Node } from '../../core/objects.ts';
import { isOpen, parseRecord, ROLL_ANNOTATION, type RollRecord } from '../../core/roll-record.ts';
import { listRaw } from '../../kube/cache/list.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { isKubeError } from '../../kube/http/errors.ts';
import { trimOf } from '../../kube/objects/trim.ts';
import { type Plan, planNodes } from '../../tmm/explain/plan.ts';
import type { MaintenanceTaint } from '../../tmm/names.ts';
import { chooseNodes, type NodeChoice } from '../nodes/choose.ts';
import { hasTaint } from '../nodes/requests.ts';
import { snapshot } from '../plan.ts';
import { resumedState } from './decide.ts';
import type { Ready, RollContext } from './flags.ts';
import type { RollMember } from './members.ts';
import { byName, type Order, orderByPlan } from './order.ts';

/** The plan compares each Node with each set of Nodes: for more Nodes it would take too long. */
const MAX_PLANNED = 200;

export type Chosen =
  | { readonly faults: readonly string[] }
  | { readonly members: readonly RollMember[]; readonly plan: Plan | undefined; readonly notes: readonly string[] };

/** The Nodes of a new roll in order. */
export async function begun(
  client: ApiClient,
  choice: NodeChoice,
  order: Order,
  { options }: Ready,
  { now, randomWord }: RollContext,
): Promise<Chosen> {
  const { found, missing } = await chooseNodes(client, choice);
  if (missing.length > 0) return { faults: missing.map((name) => `There is no Node ${name}`) };
  if (found.length === 0) return { faults: [`No Node has the labels ${'selector' in choice ? choice.selector : ''}`] };
  const faults = takenFaults(found, options.tmm.settings.taints[0]);
  if (faults.length > 0) return { faults };
  const names = found.map(({ metadata }) => metadata.name).sort(byName);
  const notes: string[] = [];
  let plan: Plan | undefined;
  if (order === 'plan' && names.length > MAX_PLANNED) {
    notes.push(`Ordered by name: more than ${MAX_PLANNED} Nodes are not planned together`);
  } else if (order === 'plan') {
    try {
      const sources = await snapshot(client, options.tmm.settings);
      plan = planNodes(names, sources, options.tmm.settings, now());
    } catch (error) {
      if (!isKubeError(error, 'Forbidden')) throw error;
      notes.push(`Ordered by name: what a plan needs cannot be seen (${error.message})`);
    }
  }
  const ordered = plan === undefined ? names : orderByPlan(names, plan);
  const byNames = new Map(found.map((node) => [node.metadata.name, node]));
  const [id, runner, since] = [randomWord(), randomWord(), new Date(now()).toISOString()];
  const members = ordered.flatMap((name, place): RollMember[] => {
    const node = byNames.get(name);
    const record: RollRecord = { id, runner, place, of: ordered.length, state: 'Pending', since };
    return node === undefined ? [] : [{ name, uid: node.metadata.uid, record }];
  });
  return { members, plan, notes };
}

/** Why Nodes cannot be taken into a new roll: also one whose work has failed, since only the roll's own record says that it is not done. */
function takenFaults(nodes: readonly Node[], taint: MaintenanceTaint | undefined): readonly string[] {
  const byRoll = new Map<string, string[]>();
  const unreadable: string[] = [];
  for (const node of nodes) {
    const seen = parseRecord(annotationOf(node, ROLL_ANNOTATION));
    if (seen.is === 'unreadable') unreadable.push(node.metadata.name);
    if (seen.is !== 'valid') continue;
    const state = resumedState(seen.record.state, taint !== undefined && hasTaint(node, taint));
    if (!isOpen(seen.record.state) && state !== 'Entering') continue;
    byRoll.set(seen.record.id, [...(byRoll.get(seen.record.id) ?? []), node.metadata.name]);
  }
  return [
    ...[...byRoll].flatMap(([id, names]) => [
      `Roll ${id} is not over: it has something to do on ${listed(names)}`,
      `  To go on with it: maintenance-bridge roll --resume ${id}`,
      `  To give it up:    kubectl annotate node ${names.length > MAX_LISTED ? '--all' : names.join(' ')} ${ROLL_ANNOTATION}-`,
    ]),
    ...(unreadable.length === 0
      ? []
      : [
          `The annotation ${ROLL_ANNOTATION} of ${listed(unreadable)} is not one that a roll writes`,
          `  To remove it: kubectl annotate node ${unreadable.slice(0, MAX_LISTED).join(' ')} ${ROLL_ANNOTATION}-`,
        ]),
  ];
}

const MAX_LISTED = 10;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(', ');
  return names.length > MAX_LISTED ? `${shown} and ${names.length - MAX_LISTED} more` : shown;
}

/** The Nodes of an earlier roll, each in the state in which it was left. */
export async function resumed(client: ApiClient, id: string, { options }: Ready, runner: string): Promise<Chosen> {
  const [taint] = options.tmm.settings.taints;
  const trim = trimOf(NODE);
  const nodes = (await listRaw(client, NODE)).flatMap((raw) => trim(raw) ?? []);
  const found = nodes.flatMap((node) => {
    const seen = parseRecord(annotationOf(node, ROLL_ANNOTATION));
    return seen.is === 'valid' && seen.record.id === id ? [{ node, record: seen.record }] : [];
  });
  const [first] = found;
  if (first === undefined) return { faults: [`No Node is part of a roll ${id}`] };
  const missing = first.record.of - found.length;
  const members = found
    .sort((a, b) => a.record.place - b.record.place)
    .flatMap(({ node, record }): RollMember[] => {
      const isTainted = taint !== undefined && hasTaint(node, taint);
      const state = resumedState(record.state, isTainted);
      const { name, uid } = node.metadata;
      return [{ name, uid, record: { ...record, runner, state: state ?? record.state } }];
    });
  const isDone = members.every(({ record }) => record.state === 'Done');
  return {
    members: isDone ? [] : members,
    plan: undefined,
    notes: missing === 0 ? [] : [`Of ${first.record.of} Nodes ${missing} are gone, or were taken out of the roll`],
  };
}
