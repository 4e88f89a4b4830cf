/** Options that several commands share. */
import { type Command, Option } from 'commander';
import { parseDuration } from '../core/duration.ts';
import { readObjects } from './object-names.ts';
import { gathering } from './option-flags.ts';

export const NO_COLOUR = 'no colours, as with the variable NO_COLOR';

/** Flags with the names and the meaning of those of `run`. */
export function onCluster(command: Command, which: string): Command {
  return command
    .addOption(gathering(new Option('--kubeconfig <file>', `kubeconfig file of the ${which}`)))
    .addOption(gathering(new Option('--context <name>', 'context of the kubeconfig to use')))
    .addOption(gathering(new Option('--kubecontext <name>')).hideHelp())
    .addOption(gathering(new Option('--config <file>', 'configuration file of the controller, for its settings')));
}

/** @param hidden formats that are accepted and not shown. */
export function outputOption(formats: readonly string[], hidden: readonly string[] = []): Option {
  const option = new Option('-o, --output <format>', 'output format').choices(formats).default('text');
  const { parseArg } = option;
  return option.argParser((value, previous) => (hidden.includes(value) ? value : parseArg?.(value, previous)));
}

/**
 * @param words each a Node's name, `node/NAME` in any form, or the kind once followed by names.
 * @returns names, each once. Ends the command with its usage if a word is not a name.
 */
export function readNodeNames(command: Command, words: readonly string[]): readonly string[] {
  const names = readObjects(words).map(({ text, named }) => {
    if (named === undefined) return command.error(`error: '${text}' names no Node. Wanted NAME or node/NAME.`);
    if (named.kind !== 'Node') return command.error(`error: '${text}' is a ${named.kind}. Wanted names of Nodes.`);
    return named.name;
  });
  return [...new Set(names)];
}

/** @returns milliseconds; undefined if the flag was not given. Ends the command with its usage if it is not a duration. */
export function readTimeout(command: Command, flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0) {
    return command.error(`error: ${flag}: wanted a duration above 0 such as 90s, 5m or 1h30m, found '${text}'.`);
  }
  return ms;
}
