/**
 * Rewrites arguments that users of kubectl type into the form that the parser accepts: flags before the command as well as after it,
 * `-o=json`, and `--watch=false`. Pure.
 */
import type { Command, Option } from 'commander';
import { withExplicitBooleans } from './option-flags.ts';

/** @returns the command first, then everything else in order. Unknown words are left for the parser to refuse. */
export function ordered(program: Command, args: readonly string[]): readonly string[] {
  const words = withExplicitBooleans(args);
  const end = words.indexOf('--');
  const [own, rest] = end === -1 ? [words, []] : [words.slice(0, end), words.slice(end)];
  return [...switched(program, commandFirst(program, long(program, own))), ...rest];
}

/** By its long or short name; if two commands have it, it has the same meaning. */
export function findOption(commands: readonly Command[], name: string): Option | undefined {
  for (const { options } of commands) {
    const option = options.find(({ long, short }) => long === name || short === name);
    if (option !== undefined) return option;
  }
  return undefined;
}

/** `-o=json` becomes `--output=json`. */
function long(program: Command, words: readonly string[]): readonly string[] {
  return words.map((word) => {
    const [, name, value] = /^(-[A-Za-z])=(.*)$/s.exec(word) ?? [];
    const option = name === undefined ? undefined : findOption(program.commands, name);
    return option?.long == null ? word : `${option.long}=${value}`;
  });
}

function commandFirst(program: Command, words: readonly string[]): readonly string[] {
  let at = 0;
  for (let word = words[at]; word?.startsWith('-'); word = words[at]) {
    at += findOption(program.commands, word)?.required === true ? 2 : 1;
  }
  const command = program.commands.find((each) => each.name() === words[at]);
  return command === undefined ? words : [command.name(), ...words.slice(0, at), ...words.slice(at + 1)];
}

/** Flags without a value: `--watch=true` becomes `--watch`, and `--watch=false` revokes an earlier one. */
function switched(program: Command, words: readonly string[]): readonly string[] {
  let kept: readonly string[] = [];
  for (const word of words) {
    const [name = '', value] = word.split('=', 2);
    const option = value === 'true' || value === 'false' ? findOption(program.commands, name) : undefined;
    if (option === undefined || option.required) kept = [...kept, word];
    else if (value === 'true') kept = [...kept, name];
    else kept = kept.filter((before) => before !== option.long && before !== option.short);
  }
  return kept;
}
