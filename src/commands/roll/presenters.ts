/** Presents a roll: in place on a terminal, with its reports above; else a line or a document per step. */
import type { Display } from '../presenters.ts';
import { renderWhy, statusTable } from '../render.ts';
import { Screen } from '../screen.ts';
import { type Colour, cut, paint } from '../table.ts';
import type { RollCounts, RollEvent, RollPicture, RollPresenter } from './events.ts';

export type RollFormat = 'text' | 'json';

export function rollPresenter(output: RollFormat, id: string, display: Display): RollPresenter {
  if (output === 'json') return documents(id, display);
  return display.terminal.isInteractive ? onScreen(id, display) : inLines(display);
}

/** One document per line, with nothing left out. */
function documents(roll: string, { terminal, now }: Display): RollPresenter {
  return {
    event: (event, counts) => {
      const time = new Date(now()).toISOString();
      terminal.write(`${JSON.stringify({ time, roll, ...event, ...(event.type !== 'Output' && { counts }) })}\n`);
    },
    update: () => {},
    ask: () => {},
    close: () => {},
  };
}

function inLines({ terminal, writeError, now }: Display): RollPresenter {
  return {
    event: (event, counts) => {
      const text = formatEvent(event, counts, now());
      if (event.type === 'Trouble' || event.type === 'Recovered' || event.stream === 'stderr') writeError(text);
      else terminal.write(text);
    },
    update: () => {},
    ask: (node) => {
      if (node !== undefined) terminal.write(`${prompt(node)}\n`);
    },
    close: () => {},
  };
}

const BAR_WIDTH = 24;
const FRAME_MS = 100;
const TICK_MS = 1000;
const MAX_NEXT = 8;

function onScreen(id: string, { terminal, now }: Display): RollPresenter {
  const screen = new Screen(terminal);
  let look: (() => RollPicture) | undefined;
  let asked: string | undefined;
  let trouble: string | undefined;
  let drawing: NodeJS.Timeout | undefined;
  const draw = (): void => {
    clearTimeout(drawing);
    drawing = undefined;
    if (look === undefined) return;
    const { counts, underWay, next } = look();
    const canvas = terminal.canvas();
    const line = (text: string, colour?: Colour): string => {
      const shown = cut(text, canvas.columns);
      return colour !== undefined && canvas.hasColour ? paint(colour, shown) : shown;
    };
    const table =
      underWay.length === 0
        ? []
        : statusTable(underWay, 'text', now(), canvas, { withBars: true }).trimEnd().split('\n');
    const more = next.length > MAX_NEXT ? `, and ${next.length - MAX_NEXT} more` : '';
    screen.draw([
      line(`Roll ${id} ${barOf(counts)} ${describeCounts(counts)}`),
      ...table,
      ...(next.length === 0 ? [] : [line(`Then: ${next.slice(0, MAX_NEXT).join(', ')}${more}`, 'grey')]),
      ...(asked === undefined ? [] : [line(prompt(asked), 'cyan')]),
      ...(trouble === undefined ? [] : [line(trouble, 'red')]),
    ]);
  };
  const gather = (): void => {
    drawing ??= setTimeout(draw, FRAME_MS);
  };
  const ticking = setInterval(draw, TICK_MS);
  terminal.onResize(() => {
    screen.clear();
    draw();
  });
  return {
    event: (event, counts) => {
      if (event.type === 'Trouble') trouble = event.message;
      else if (event.type === 'Recovered') trouble = undefined;
      else screen.print(formatEvent(event, counts, now()));
      gather();
    },
    update: (latest) => {
      look = latest;
      gather();
    },
    ask: (node) => {
      asked = node;
      gather();
    },
    close: () => {
      clearInterval(ticking);
      draw();
      look = undefined;
      clearTimeout(drawing);
      screen.close();
    },
  };
}

const prompt = (node: string): string => `node/${node} is drained: press Enter when the work on it is done`;

function barOf({ total, done, gone, pending, underWay }: RollCounts): string {
  const full = Math.floor((BAR_WIDTH * (done + gone)) / total);
  const settled = Math.floor((BAR_WIDTH * (total - pending - underWay)) / total);
  return `${'█'.repeat(full)}${'▒'.repeat(settled - full)}${'░'.repeat(BAR_WIDTH - settled)}`;
}

/** `3 of 5 done, 1 rejected, 1 under way`. */
export function describeCounts(counts: RollCounts): string {
  const others = [
    [counts.gone, 'gone'],
    [counts.rejected, 'rejected'],
    [counts.failed, 'failed'],
    [counts.timedOut, 'out of time'],
    [counts.skipped, 'skipped'],
    [counts.underWay, 'under way'],
    [counts.pending, 'to come'],
  ] as const;
  const parts = others.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [`${counts.done} of ${counts.total} done`, ...parts].join(', ');
}

/** Time, Node, step and the number of finished Nodes, each one word, then a sentence; output of the work has its Node before it. */
function formatEvent(
  { type, node, message = '', object }: RollEvent,
  { done, total }: RollCounts,
  nowMs: number,
): string {
  if (type === 'Output') return `[${node ?? ''}] ${message}\n`;
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  const what = node === undefined ? '-' : `node/${node}`;
  const line = `${time}  ${what.padEnd(32)}  ${type.padEnd(13)}  ${`${done}/${total}`.padEnd(7)}  ${message}`.trimEnd();
  return object === undefined ? `${line}\n` : `${line}\n${renderWhy(object, 'text', nowMs).replace(/^(?=.)/gm, '  ')}`;
}
