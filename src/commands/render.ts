/** Renders explanations for people: a table for many, a page for one. Pure. */
import { formatDuration } from '../core/duration.ts';
import type { Explanation, Outlook } from '../core/explanation.ts';
import { type Format, structured } from './format.ts';
import { type Cell, type Colour, paint, table, widthOf, withoutEmptyColumns } from './table.ts';
import { type Canvas, PIPE } from './terminal.ts';

/** Sorted by kind and name, so that two outputs can be compared. */
export function renderStatus(
  explanations: readonly Explanation[],
  format: Format,
  nowMs: number,
  canvas: Canvas = PIPE,
): string {
  const sorted = [...explanations].sort(byKindAndName);
  if (format === 'json' || format === 'yaml') return structured({ items: sorted }, format);
  if (sorted.length === 0) return 'Nothing is under way.\n';
  // `wide` is printed in full, however narrow the terminal is.
  return statusTable(sorted, format, nowMs, format === 'wide' ? { hasColour: canvas.hasColour } : canvas);
}

export interface TableOptions {
  /** Whether progress is drawn besides being counted. @default false */
  readonly withBars?: boolean;
}

export function statusTable(
  explanations: readonly Explanation[],
  format: 'text' | 'wide',
  nowMs: number,
  canvas: Canvas,
  { withBars = false }: TableOptions = {},
): string {
  const columns = COLUMNS.filter(({ isWide }) => format === 'wide' || isWide !== true);
  const rows = explanations.map((each) => columns.map(({ cellOf }) => cellOf(each, nowMs, withBars)));
  const whole = [columns.map(({ title }) => title), ...rows];
  // On a narrow terminal, empty columns are dropped to make room for columns that would be cut.
  const isCut = canvas.columns !== undefined && widthOf(whole) > canvas.columns;
  return table(isCut ? withoutEmptyColumns(whole) : whole, canvas);
}

interface Column {
  readonly title: string;
  readonly isWide?: boolean;
  readonly cellOf: (explanation: Explanation, nowMs: number, withBars: boolean) => Cell;
}

const COLOURS: Readonly<Record<Outlook, Colour>> = {
  Idle: 'grey',
  Moving: 'cyan',
  Ready: 'green',
  Waiting: 'yellow',
  Stuck: 'red',
};

const COLUMNS: readonly Column[] = [
  { title: 'OBJECT', cellOf: (each) => objectOf(each) },
  { title: 'STATE', cellOf: ({ state, outlook }) => ({ text: state, colour: COLOURS[outlook] }) },
  { title: 'PROGRESS', cellOf: (each, _, withBars) => (withBars ? barOf(each) : progressOf(each)) },
  { title: 'SINCE', cellOf: (each, nowMs) => ageOf(each, nowMs) },
  { title: 'LEFT', cellOf: (each, nowMs) => leftOf(each, nowMs) },
  { title: 'REASON', isWide: true, cellOf: ({ reason = '-' }) => reason },
  { title: 'WAITS FOR', cellOf: ({ waitsFor = '-' }) => waitsFor },
  { title: 'SUMMARY', isWide: true, cellOf: ({ summary }) => summary },
  { title: 'COMMAND', isWide: true, cellOf: ({ release = '-' }) => release },
];

export function renderWhy(
  explanation: Explanation,
  format: Format,
  nowMs: number,
  { hasColour }: Canvas = PIPE,
): string {
  if (format === 'json' || format === 'yaml') return structured(explanation, format);
  const { kind, name, state, since, deadline, reason, summary, waitsFor, preparation, release, details, outlook } =
    explanation;
  const lines = [
    `${kind} ${name}: ${hasColour ? paint(COLOURS[outlook], state) : state}`,
    `  ${summary}.`,
    ...(reason === undefined ? [] : [`  Reason:    ${reason}`]),
    ...(since === undefined ? [] : [`  Since:     ${since} (${ageOf(explanation, nowMs)} ago)`]),
    ...(deadline === undefined ? [] : [`  Until:     ${deadline} (${leftOf(explanation, nowMs)} left)`]),
    ...(waitsFor === undefined ? [] : [`  Waits for: ${waitsFor}`]),
    ...(preparation === undefined ? [] : [`  First:     ${preparation}`]),
    ...(release === undefined ? [] : [`  ${endsIt(explanation) ? 'To end it:' : 'To go on: '} ${release}`]),
    ...details.map((detail) => `  - ${detail}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * The request for a Node is only its taint, whose removal does not let the maintenance proceed; and a machine that may be worked on is
 * released by its user.
 */
const endsIt = ({ kind, outlook }: Explanation): boolean => kind === 'Node' || kind === 'Pod' || outlook === 'Ready';

export function byKindAndName(a: Explanation, b: Explanation): number {
  const [left, right] = [keyOf(a), keyOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Unique among all explanations. */
export const keyOf = ({ kind, name }: Explanation): string => `${kind} ${name}`;

/** The argument form of kubectl and `why`. */
export const objectOf = ({ kind, name }: Explanation): string => `${kind.toLowerCase()}/${name}`;

export function progressOf({ progress }: Explanation): string {
  return progress === undefined ? '-' : `${progress.done}/${progress.total}`;
}

const BAR_WIDTH = 12;

function barOf(explanation: Explanation): string {
  const { progress } = explanation;
  if (progress === undefined) return '-';
  const { done, total } = progress;
  const full = total === 0 ? BAR_WIDTH : Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * done) / total));
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${progressOf(explanation)}`;
}

function ageOf({ since }: Explanation, nowMs: number): string {
  const ms = Date.parse(since ?? '');
  return Number.isNaN(ms) ? '-' : formatSpan(nowMs - ms);
}

/** A deadline in the past is one that the controller has not acted on yet. */
function leftOf({ deadline }: Explanation, nowMs: number): string {
  const ms = Date.parse(deadline ?? '');
  return Number.isNaN(ms) ? '-' : formatSpan(ms - nowMs);
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 1440 * MINUTE_MS;

/** With a readable precision: whole days from two days on, whole minutes from ten minutes on. */
function formatSpan(ms: number): string {
  const span = Math.max(0, ms);
  if (span >= 2 * DAY_MS) return `${Math.floor(span / DAY_MS)}d`;
  const unit = span >= 10 * MINUTE_MS ? MINUTE_MS : SECOND_MS;
  return formatDuration(Math.floor(span / unit) * unit);
}
