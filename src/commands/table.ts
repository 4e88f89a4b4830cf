/** Tables for people: as wide as necessary, and no wider than the terminal. Pure. */
import { type Canvas, PIPE } from './terminal.ts';

/** A row's cell: plain, or in a colour. */
export type Cell = string | { readonly text: string; readonly colour: Colour };
export type Colour = keyof typeof CODES;

/** Foreground colours of ECMA-48 that every terminal's own theme defines. */
const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, grey: 90 } as const;
const GAP = '  ';
/** A last column narrower than this is useless. */
const LEAST_LAST = 12;

/**
 * Columns are as wide as their widest cell; the first row is the heading. On a terminal, the last column is cut to the remaining width, and
 * if almost none remains, the line is cut.
 */
export function table(rows: readonly (readonly Cell[])[], canvas: Canvas = PIPE): string {
  const last = (rows[0]?.length ?? 0) - 1;
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => lengthOf(row[column]))));
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = canvas.columns === undefined ? undefined : Math.max(LEAST_LAST, canvas.columns - before);
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const text = column === last ? cut(textOf(cell), room) : textOf(cell);
        const padding = column === last ? '' : ' '.repeat((widths[column] ?? 0) - text.length);
        return { text, padding, colour: typeof cell === 'string' ? undefined : cell.colour };
      });
      return `${lineOf(cells, canvas)}\n`;
    })
    .join('');
}

/** The width of the table if nothing is cut. */
export function widthOf(rows: readonly (readonly Cell[])[]): number {
  return Math.max(
    ...table(rows)
      .split('\n')
      .map(({ length }) => length),
  );
}

/** Removes the columns that are empty in all rows but the heading, except for the last one. */
export function withoutEmptyColumns(rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  const last = (rows[0]?.length ?? 0) - 1;
  const isEmpty = (column: number): boolean =>
    column !== last && rows.slice(1).every((row) => textOf(row[column] ?? '') === '-');
  return rows.map((row) => row.filter((_, column) => !isEmpty(column)));
}

interface Laid {
  readonly text: string;
  readonly padding: string;
  readonly colour: Colour | undefined;
}

/** Colours take no width, so they are added after everything has been cut. */
function lineOf(cells: readonly Laid[], { columns = Number.POSITIVE_INFINITY, hasColour }: Canvas): string {
  let line = '';
  let left = columns;
  for (const [index, { text, padding, colour }] of cells.entries()) {
    const shown = cut(text, left);
    line += colour === undefined || !hasColour ? shown : paint(colour, shown);
    const space = index === cells.length - 1 ? '' : padding + GAP;
    left -= text.length + space.length;
    if (left <= 0) break;
    line += space;
  }
  return line.trimEnd();
}

export function paint(colour: Colour, text: string): string {
  return `\x1b[${CODES[colour]}m${text}\x1b[39m`;
}

/** Ends with an ellipsis where it was longer. */
export function cut(text: string, room: number | undefined): string {
  if (room === undefined || text.length <= room) return text;
  return room <= 0 ? '' : `${text.slice(0, room - 1)}…`;
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);
const lengthOf = (cell: Cell | undefined): number => (cell === undefined ? 0 : textOf(cell).length);
