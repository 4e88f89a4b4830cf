/** Explanations for people: a table of many, a page for one. Pure. */
import { formatDuration } from '../core/duration.ts';
import type { Explanation } from '../core/explanation.ts';

/** Sorted by kind and name, so that two looks can be compared. */
export function renderStatus(explanations: readonly Explanation[], format: 'text' | 'json', nowMs: number): string {
  const sorted = [...explanations].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  if (format === 'json') return `${JSON.stringify({ items: sorted }, undefined, 2)}\n`;
  if (sorted.length === 0) return 'Nothing is under way.\n';
  const rows = sorted.map((each) => [
    `${each.kind.toLowerCase()}/${each.name}`,
    each.state,
    ageOf(each, nowMs),
    each.waitsFor ?? '-',
  ]);
  return table([['OBJECT', 'STATE', 'SINCE', 'WAITS FOR'], ...rows]);
}

export function renderWhy(explanation: Explanation, format: 'text' | 'json', nowMs: number): string {
  if (format === 'json') return `${JSON.stringify(explanation, undefined, 2)}\n`;
  const { kind, name, state, since, summary, waitsFor, release, details } = explanation;
  const lines = [
    `${kind} ${name}: ${state}`,
    `  ${summary}.`,
    ...(since === undefined ? [] : [`  Since:     ${since} (${ageOf(explanation, nowMs)} ago)`]),
    ...(waitsFor === undefined ? [] : [`  Waits for: ${waitsFor}`]),
    ...(release === undefined ? [] : [`  Command:   ${release}`]),
    ...details.map((detail) => `  - ${detail}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const orderOf = ({ kind, name }: Explanation): string => `${kind} ${name}`;

function ageOf({ since }: Explanation, nowMs: number): string {
  const ms = Date.parse(since ?? '');
  return Number.isNaN(ms) ? '-' : formatDuration(Math.max(0, nowMs - ms));
}

/** Columns as wide as they need to be; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
