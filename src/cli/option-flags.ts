/** Turns rows of `config/options.ts` into options of the command line, and the given values into texts by flag. */
import { Option } from 'commander';
import { GENERAL_OPTIONS, OPTION_GROUPS, OPTION_ROWS } from '../config/options.ts';
import { type OptionRow, placeholderOf } from '../core/option.ts';

export type Texts = Readonly<Record<string, readonly string[] | undefined>>;

/** How the help shows each flag, by its long name. */
export const TERMS: ReadonlyMap<string, string> = new Map(
  OPTION_ROWS.map((row) => [
    `--${row.flag}`,
    row.kind === 'boolean' ? `--${row.flag}[=true|false]` : flagsOf(row, row.flag),
  ]),
);

/** Every row with its alias, which the help leaves out. */
export function optionsOfRows(): readonly Option[] {
  return OPTION_GROUPS.flatMap((group) => {
    const heading = group === GENERAL_OPTIONS ? 'Options:' : `${group.title}:`;
    return group.rows.flatMap((row) => optionsOf(row).map((option) => option.helpGroup(heading)));
  });
}

function optionsOf(row: OptionRow): readonly Option[] {
  const standard = row.defaultText ?? String(row.default);
  const help = `${row.help} (default: ${standard.replaceAll('`', '')})`;
  const named = (name: string): Option => gathering(new Option(flagsOf(row, name), help));
  return row.alias === undefined ? [named(row.flag)] : [named(row.flag), named(row.alias).hideHelp()];
}

/** Keeps the texts of a repeated option, in order. */
export function gathering(option: Option): Option {
  return option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
}

/** By flag; an alias's texts come before those of its flag, so that the flag takes precedence. */
export function collect(given: Texts): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, readonly string[]>();
  for (const { flag, alias } of OPTION_ROWS) {
    const names = alias === undefined ? [flag] : [alias, flag];
    const texts = names.flatMap((name) => given[new Option(`--${name}`).attributeName()] ?? []);
    if (texts.length > 0) flags.set(flag, texts);
  }
  return flags;
}

const BOOLEAN_FLAGS: ReadonlySet<string> = new Set(
  OPTION_ROWS.filter(({ kind }) => kind === 'boolean').map(({ flag }) => `--${flag}`),
);

/** A boolean flag never takes the next word as its value: `--dry-run false` is an error, as in Kubernetes' own commands. */
export function withExplicitBooleans(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, index) => (BOOLEAN_FLAGS.has(arg) && (end === -1 || index < end) ? `${arg}=true` : arg));
}

function flagsOf(row: OptionRow, name: string): string {
  return `--${name} <${placeholderOf(row)}>`;
}
