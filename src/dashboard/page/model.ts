/** The content of the page, as a function of the received messages. Pure, so that it is tested without a browser. */
import type { Message, Row } from '../protocol.ts';

export interface PageState {
  readonly rows: ReadonlyMap<string, Row>;
  readonly isComplete: boolean;
  readonly cluster: string;
  /** A fault between the program and the API server. */
  readonly trouble?: string;
}

export const EMPTY: PageState = { rows: new Map(), isComplete: false, cluster: '' };

/** The name that `status` and `why` use, and the sort key. */
export const keyOf = ({ kind, name }: Row): string => `${kind.toLowerCase()}/${name}`;

export function advance(state: PageState, message: Message): PageState {
  switch (message.is) {
    case 'state': {
      const rows = new Map(message.rows.map((row) => [keyOf(row), row]));
      return { ...state, rows, isComplete: message.isComplete, cluster: message.cluster };
    }
    case 'changes': {
      const rows = new Map(state.rows);
      for (const { type, object } of message.changes) {
        if (type === 'DELETED') rows.delete(keyOf(object));
        else rows.set(keyOf(object), object);
      }
      return { ...state, rows, isComplete: message.isComplete };
    }
    case 'trouble': {
      const { trouble: _, ...rest } = state;
      return message.text === undefined ? rest : { ...rest, trouble: message.text };
    }
  }
}

export interface Filter {
  /** Part of a name, a state or a reason, in any case. */
  readonly text: string;
  /** `Node Draining`: a kind and one of its states. */
  readonly group?: string;
  /** Also shows objects that are not under way. */
  readonly all: boolean;
}

export interface Group {
  /** The value of `Filter.group`. */
  readonly key: string;
  readonly kind: Row['kind'];
  readonly state: string;
  readonly outlook: Row['outlook'];
  readonly count: number;
}

/** In the order in which they are shown; other kinds come after them. */
const KINDS: readonly string[] = ['Node', 'Machine', 'BareMetalHost'];
/** States that need a person come first. */
const OUTLOOKS: readonly Row['outlook'][] = ['Stuck', 'Waiting', 'Moving', 'Ready', 'Idle'];

const rankOf = (kind: string): number => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);

const groupOf = ({ kind, state }: Row): string => `${kind} ${state}`;

/** How many objects of each kind are in each state. */
export function groupsOf(rows: Iterable<Row>): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const key = groupOf(row);
    const { kind, state, outlook } = row;
    groups.set(key, { key, kind, state, outlook, count: (groups.get(key)?.count ?? 0) + 1 });
  }
  return [...groups.values()].sort(
    (a, b) =>
      rankOf(a.kind) - rankOf(b.kind) ||
      (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0) ||
      OUTLOOKS.indexOf(a.outlook) - OUTLOOKS.indexOf(b.outlook) ||
      (a.state < b.state ? -1 : 1),
  );
}

/** The rows that match the filter, beginning with those that need a person. */
export function chosen(rows: Iterable<Row>, { text, group, all }: Filter): readonly Row[] {
  const wanted = text.trim().toLowerCase();
  const found: Row[] = [];
  for (const row of rows) {
    if (group === undefined ? !all && !row.isUnderWay : groupOf(row) !== group) continue;
    if (wanted !== '' && !`${keyOf(row)} ${row.state} ${row.reason ?? ''}`.toLowerCase().includes(wanted)) continue;
    found.push(row);
  }
  return found.sort(
    (a, b) => OUTLOOKS.indexOf(a.outlook) - OUTLOOKS.indexOf(b.outlook) || (keyOf(a) < keyOf(b) ? -1 : 1),
  );
}

/** The related rows: the Machine, the Node and the host of one machine. */
export function besides(rows: ReadonlyMap<string, Row>, row: Row): readonly string[] {
  const own = keyOf(row);
  const named = new Set(row.besides ?? []);
  for (const other of rows.values()) if (other.besides?.includes(own)) named.add(keyOf(other));
  return [...named].sort();
}

/** The findings but those about the Pods in the way, which the page lists by themselves. */
export function findingsOf({ details, blockedBy = [] }: Row): readonly string[] {
  return details.filter((detail) => !blockedBy.some(({ cause, remedy }) => detail.endsWith(`(${cause}). ${remedy}`)));
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** `3d4h`, `2h5m`, `7m12s`, `9s`; for a future time, the time until then. Empty if there is no time. */
export function span(time: string | undefined, nowMs: number): string {
  const seconds = Math.floor(Math.abs(nowMs - Date.parse(time ?? '')) / 1000);
  if (Number.isNaN(seconds)) return '';
  if (seconds >= DAY_S) return `${Math.floor(seconds / DAY_S)}d${Math.floor((seconds % DAY_S) / HOUR_S)}h`;
  if (seconds >= HOUR_S) return `${Math.floor(seconds / HOUR_S)}h${Math.floor((seconds % HOUR_S) / MINUTE_S)}m`;
  if (seconds >= MINUTE_S) return `${Math.floor(seconds / MINUTE_S)}m${seconds % MINUTE_S}s`;
  return `${seconds}s`;
}
