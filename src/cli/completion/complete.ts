/**
 * Computes what may come next on a command line, in the format that the scripts of `completion` and kubectl expect: candidates, one per
 * line and with a description after a tab, then `:` and a directive (the protocol of the Go library cobra, which kubectl's plugin
 * completion uses).
 */
import type { Command, Option } from 'commander';
import { SHOWN_KINDS } from '../../app/features.ts';
import { OPTION_ROWS } from '../../config/options.ts';
import { findOption, ordered } from '../arguments.ts';
import { KINDS } from '../object-names.ts';

/** Candidates that only a cluster knows. If it does not answer in time, there are none. */
export interface Names {
  namespaces(): Promise<readonly string[]>;
  /**
   * `namespace/name`, or the names if the kind has no namespaces.
   *
   * @param kind one of the kinds that can be named.
   * @param namespace @default that of the line; all if there is none
   */
  objects(kind: string, namespace?: string): Promise<readonly string[]>;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly directive: number;
}

export interface Candidate {
  readonly text: string;
  readonly help?: string;
}

/** cobra's `ShellCompDirective`: further instructions to the shell. */
const FILES = 0;
const NO_SPACE = 2;
const NO_FILES = 4;

/**
 * @param words after the program's own name; the last one is at the cursor, and empty after a blank.
 * @param namesFor returns the cluster's names, for the flags on the line.
 */
export async function complete(
  program: Command,
  words: readonly string[],
  namesFor: (flags: ReadonlyMap<string, string>) => Names,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const [first = '', ...rest] = ordered(program, words.slice(0, -1));
  if (first === 'help') return only(current, rest.length === 0 ? commandsOf(program) : []);
  const command = program.commands.find((each) => each.name() === first);
  const line = command === undefined ? readLine(program.commands, words.slice(0, -1)) : readLine([command], rest);
  const names = namesFor(line.flags);
  if (line.awaits !== undefined) return valuesOf(line.awaits, current, '', names);
  if (command === undefined) return only(current, line.args.length === 0 ? commandsOf(program) : []);
  if (current.startsWith('-') && !line.isPastFlags) {
    const equals = current.indexOf('=');
    if (equals === -1) return only(current, optionsOf(command));
    const option = findOption([command], current.slice(0, equals));
    return option === undefined
      ? only(current, [])
      : valuesOf(option, current.slice(equals + 1), current.slice(0, equals + 1), names);
  }
  return argumentsOf(command, line.args, current, names);
}

/** Formats the result for the shell. */
export function formatCompletion({ candidates, directive }: Completion): string {
  const lines = candidates.map(({ text, help }) => (help === undefined ? text : `${text}\t${help}`));
  return [...lines, `:${directive}`].map((line) => `${line}\n`).join('');
}

interface Line {
  readonly flags: ReadonlyMap<string, string>;
  readonly args: readonly string[];
  /** The option whose value comes next. */
  readonly awaits: Option | undefined;
  readonly isPastFlags: boolean;
}

/** @param commands the command of the line; all of them if it is not given yet. */
function readLine(commands: readonly Command[], words: readonly string[]): Line {
  const flags = new Map<string, string>();
  const args: string[] = [];
  let awaits: Option | undefined;
  let isPastFlags = false;
  for (const word of words) {
    if (awaits !== undefined) {
      flags.set(awaits.long ?? '', word);
      awaits = undefined;
    } else if (isPastFlags || !word.startsWith('-') || word === '-') args.push(word);
    else if (word === '--') isPastFlags = true;
    else {
      const [name = '', ...value] = word.split('=');
      const option = findOption(commands, name);
      if (value.length > 0) flags.set(option?.long ?? name, value.join('='));
      else if (option?.required === true && !BOOLEANS.has(option.long ?? '')) awaits = option;
    }
  }
  return { flags, args, awaits, isPastFlags };
}

const BOOLEANS: ReadonlySet<string> = new Set(
  OPTION_ROWS.filter(({ kind }) => kind === 'boolean').map(({ flag }) => `--${flag}`),
);
const VALUES: ReadonlyMap<string, readonly string[]> = new Map(
  OPTION_ROWS.flatMap(({ flag, kind, values = kind === 'boolean' ? ['true', 'false'] : [] }) =>
    values.length === 0 ? [] : [[`--${flag}`, values] as const],
  ),
);
const FILE_FLAGS: ReadonlySet<string> = new Set(['--kubeconfig', '--config', '--output-dir']);

function commandsOf(program: Command): readonly Candidate[] {
  return program.commands.map((command) => ({ text: command.name(), help: firstStatement(command.description()) }));
}

function optionsOf(command: Command): readonly Candidate[] {
  const shown = command.options.filter(({ hidden }) => !hidden);
  const candidates = shown.map(({ long, description }) => ({ text: long ?? '', help: firstSentence(description) }));
  return [...candidates, { text: '--help', help: 'display help for command' }];
}

/** @param before the part of the same word before the value: `--output=`. */
async function valuesOf(option: Option, current: string, before: string, names: Names): Promise<Completion> {
  const name = option.long ?? '';
  if (FILE_FLAGS.has(name)) return { candidates: [], directive: FILES };
  const values = name === '--namespace' ? await names.namespaces() : (option.argChoices ?? VALUES.get(name) ?? []);
  return only(
    before + current,
    values.map((value) => ({ text: before + value })),
  );
}

async function argumentsOf(
  command: Command,
  given: readonly string[],
  current: string,
  names: Names,
): Promise<Completion> {
  const [declared] = command.registeredArguments;
  const [first] = given;
  const isObject = declared?.name() === 'object';
  if (isObject && first !== undefined && !declared.variadic) return namesOf(first, given.length, current, names);
  if (declared === undefined || (given.length > 0 && !declared.variadic)) return only(current, []);
  if (declared.argChoices !== undefined) return only(current, asCandidates(declared.argChoices));
  switch (declared.name()) {
    case 'node': {
      const nodes = await names.objects('Node');
      return only(current, asCandidates(nodes.filter((node) => !given.includes(node))));
    }
    case 'object':
      return objects(current, names, declared.variadic ? SHOWN_KINDS : KINDS, given);
    default:
      return only(current, []);
  }
}

/** @param given objects that are on the line already. */
async function objects(
  current: string,
  names: Names,
  kinds = KINDS,
  given: readonly string[] = [],
): Promise<Completion> {
  const [word = '', namespace, ...rest] = current.split('/');
  const kind = kindOf(word);
  if (kind === undefined || !current.includes('/')) {
    const words = kinds.map((each) => `${each.toLowerCase()}/`);
    return { ...only(current, asCandidates(words)), directive: NO_SPACE | NO_FILES };
  }
  const of = (found: readonly string[]): Completion => {
    const texts = found.map((each) => `${word}/${each}`).filter((text) => !given.includes(text));
    return only(current, asCandidates(texts));
  };
  if (SHOWN_KINDS.includes(kind)) return of(await names.objects(kind));
  // A cluster has too many Pods to list them all for one word.
  if (rest.length > 0 && namespace !== undefined) return of(await names.objects(kind, namespace));
  return { ...of((await names.namespaces()).map((name) => `${name}/`)), directive: NO_SPACE | NO_FILES };
}

const kindOf = (word: string): string | undefined => KINDS.find((kind) => kind.toLowerCase() === word);

/** The second word of `why node NAME`. */
async function namesOf(kind: string, words: number, current: string, names: Names): Promise<Completion> {
  if (words > 1 || kindOf(kind) === undefined) return only(current, []);
  const { candidates, directive } = await objects(`${kind}/${current}`, names);
  return { candidates: asCandidates(candidates.map(({ text }) => text.slice(kind.length + 1))), directive };
}

const asCandidates = (texts: readonly string[]): readonly Candidate[] => texts.map((text) => ({ text }));

function only(current: string, candidates: readonly Candidate[]): Completion {
  return { candidates: candidates.filter(({ text }) => text.startsWith(current)), directive: NO_FILES };
}

/** Up to the end of the first statement; a full stop inside a word, as in an address, ends nothing. */
const firstStatement = (text: string): string => text.split(/[.:;](?:\s|$)| \(/, 1)[0] ?? text;
/** Some begin with "instead of names:", which says too little alone. */
const firstSentence = (text: string): string => text.split(/[.;](?:\s|$)| \(/, 1)[0] ?? text;
