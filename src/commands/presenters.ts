/** Presents changes: redrawn in place on a terminal, else one line each. */
import type { Explanation } from '../core/explanation.ts';
import { type Change, compare, NOTHING_SHOWN, type Shown } from './changes.ts';
import type { Format } from './format.ts';
import { formatChange } from './lines.ts';
import type { Notice } from './notices.ts';
import { byKindAndName, keyOf, statusTable } from './render.ts';
import { Screen } from './screen.ts';
import { cut, paint } from './table.ts';
import type { Terminal } from './terminal.ts';
import { isWanted, type Wanted } from './wanted.ts';

/** Where it is shown. */
export interface Display {
  readonly terminal: Terminal;
  /** For messages beside the answer; gets whole lines. */
  readonly writeError: (text: string) => void;
  readonly now: () => number;
}

/** Shows what changes. Throws nothing. */
export interface Presenter {
  /** How long changes are gathered; 0 gathers only those of one moment. */
  readonly gatherMs: number;
  /** How often the passing of time alone changes the output; absent if it does not. */
  readonly tickMs?: number;
  /** @param isComplete whether all kinds are known. */
  show(explanations: readonly Explanation[], isComplete: boolean): void;
  notice(notice: Notice): void;
  close(): void;
}

interface PresenterFlags {
  readonly output: Format;
  readonly all: boolean;
  /** @default none: as `all` determines */
  readonly objects?: readonly Wanted[];
}

export function presenterFor(flags: PresenterFlags, display: Display): Presenter {
  const { output } = flags;
  return display.terminal.isInteractive && (output === 'text' || output === 'wide')
    ? makeScreenPresenter({ ...flags, output }, display)
    : makeLinePresenter(flags, display);
}

function makeLinePresenter(
  { output, all, objects = [] }: PresenterFlags,
  { terminal, writeError, now }: Display,
): Presenter {
  let shown: Shown = NOTHING_SHOWN;
  const told = new Map<string, string>();
  /** Whether a line would repeat the one before, because the change is in none of its columns. */
  const isRepeated = (change: Change): boolean => {
    const key = keyOf(change.object);
    const text = formatChange(change, output, 0);
    if (told.get(key) === text) return true;
    if (change.type === 'DELETED') told.delete(key);
    else told.set(key, text);
    return false;
  };
  return {
    gatherMs: 0,
    show: (explanations) => {
      const found = compare(shown, explanations, (each) => isWanted(each, { all, objects }));
      shown = found.shown;
      const changes = found.changes.filter((change) => !isRepeated(change));
      const text = changes.map((change) => formatChange(change, output, now())).join('');
      if (text !== '') terminal.write(text);
    },
    notice: ({ text }) => writeError(`${text}\n`),
    close: () => {},
  };
}

/** Fast enough to look alive, slow enough for a terminal behind a slow line. */
const FRAME_MS = 100;
const TICK_MS = 1000;

function makeScreenPresenter(
  { output, all, objects = [] }: PresenterFlags & { readonly output: 'text' | 'wide' },
  { terminal, now }: Display,
): Presenter {
  const screen = new Screen(terminal);
  let last: { readonly explanations: readonly Explanation[]; readonly isComplete: boolean } | undefined;
  let trouble: string | undefined;
  let isClosed = false;
  const draw = (): void => {
    if (last === undefined || isClosed) return;
    const shown = last.explanations.filter((each) => isWanted(each, { all, objects })).sort(byKindAndName);
    const canvas = terminal.canvas();
    const empty = last.isComplete ? 'Nothing is under way.' : 'Asking the cluster …';
    const lines =
      shown.length === 0
        ? [empty]
        : statusTable(shown, output, now(), canvas, { withBars: true }).trimEnd().split('\n');
    const footer = trouble === undefined ? '' : cut(trouble, canvas.columns);
    screen.draw([...lines, ...(footer === '' ? [] : [canvas.hasColour ? paint('red', footer) : footer])]);
  };
  terminal.onResize(() => {
    if (isClosed) return;
    screen.clear();
    draw();
  });
  return {
    gatherMs: FRAME_MS,
    tickMs: TICK_MS,
    show: (explanations, isComplete) => {
      last = { explanations, isComplete };
      draw();
    },
    notice: ({ text, isOver }) => {
      trouble = isOver ? undefined : text;
    },
    close: () => {
      isClosed = true;
      screen.close();
    },
  };
}
