/** A terminal's session as an animated SVG: without scripts or external content, so that any Markdown page can show it. Pure. */

/** A line as it was printed. */
export interface TimedLine {
  /** Milliseconds since the beginning. */
  readonly atMs: number;
  readonly text: string;
}

const COLUMNS = 100;
const ROWS = 26;
const CHARACTER = 7.9;
const LINE = 18;
const MARGIN = 14;
/** How long the last picture is shown before the animation restarts. */
const REST_MS = 6000;
/** A reader's pace: the minimum time between two lines. */
const LEAST_MS = 160;

/** A progress line replaces the one before it, as on a terminal. */
const PROGRESS = /^\s+\w+\s+\[[█░]+\]/;

const COLOURS: readonly (readonly [RegExp, string])[] = [
  [/^\s+\$ /, '#79c0ff'],
  [/^\S/, '#ffffff'],
  [/^\s+Event (MaintenanceRejected|\w*Warning)/, '#d29922'],
  [/^\s+Event /, '#7ee787'],
];
const COLOUR = '#c9d1d9';

interface Row {
  readonly text: string;
  readonly line: number;
  readonly fromMs: number;
  /** Absent: until the end. */
  untilMs?: number;
}

/** @param title read by screen readers in place of the picture. */
export function animate(lines: readonly TimedLine[], title: string): string {
  const rows = rowsOf(lines);
  const totalMs = Math.max(0, ...rows.map(({ fromMs }) => fromMs)) + REST_MS;
  const width = Math.round(COLUMNS * CHARACTER + 2 * MARGIN);
  const height = ROWS * LINE + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<svg x="${MARGIN}" y="${MARGIN}" width="${width - 2 * MARGIN}" height="${ROWS * LINE}">
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" style="white-space:pre">
${scrolling(rows, totalMs)}${rows.map((row) => shown(row, totalMs)).join('')}</g>
</svg>
</svg>
`;
}

function rowsOf(lines: readonly TimedLine[]): readonly Row[] {
  const rows: Row[] = [];
  let lastMs = 0;
  for (const { atMs, text } of lines) {
    const fromMs = Math.max(atMs, lastMs + LEAST_MS);
    const last = rows.at(-1);
    const replaces = last !== undefined && PROGRESS.test(last.text) && PROGRESS.test(text);
    if (replaces) last.untilMs = fromMs;
    rows.push({ text, fromMs, line: replaces ? last.line : (last?.line ?? -1) + 1 });
    lastMs = fromMs;
  }
  return rows;
}

function shown({ text, line, fromMs, untilMs }: Row, totalMs: number): string {
  if (text.trim() === '') return '';
  const fill = COLOURS.find(([pattern]) => pattern.test(text))?.[1] ?? COLOUR;
  const times = [0, fromMs, ...(untilMs === undefined ? [] : [untilMs])].map((ms) => share(ms, totalMs));
  const values = ['hidden', 'visible', 'hidden'].slice(0, times.length);
  const animation = `<animate attributeName="visibility" dur="${totalMs}ms" repeatCount="indefinite" calcMode="discrete" keyTimes="${times.join(';')}" values="${values.join(';')}"/>`;
  return `<text y="${line * LINE + 13}" fill="${fill}">${escaped(text.slice(0, COLUMNS))}${animation}</text>\n`;
}

/** Everything moves up as soon as a line would be below the last row. */
function scrolling(rows: readonly Row[], totalMs: number): string {
  const steps = new Map<number, number>([[0, 0]]);
  for (const { line, fromMs } of rows) if (line >= ROWS) steps.set(fromMs, (line - ROWS + 1) * -LINE);
  const times = [...steps.keys()].map((ms) => share(ms, totalMs));
  const values = [...steps.values()].map((y) => `0 ${y}`);
  return `<animateTransform attributeName="transform" type="translate" dur="${totalMs}ms" repeatCount="indefinite" calcMode="discrete" keyTimes="${times.join(';')}" values="${values.join(';')}"/>\n`;
}

const share = (ms: number, totalMs: number): string => (ms / totalMs).toFixed(5);

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
