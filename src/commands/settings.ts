/** The settings that explanations use: those of the operator, as far as they are known. */
import { type SettingsByName, settingsOf } from '../app/features.ts';
import { readFile } from '../config/read-file.ts';
import { resolveOptions } from '../config/resolve.ts';
import type { RunOptions } from '../config/schema.ts';
import { PRESETS } from '../tmm/names.ts';

export type Settings = SettingsByName;

export type Configured =
  | { readonly is: 'ok'; readonly options: RunOptions; readonly settings: Settings }
  | { readonly is: 'faults'; readonly faults: readonly string[] };

/**
 * Resolves flags, variables and the file of `--config` by the rules of `run`, with the same faults. If no setting names the taints that
 * request maintenance, all well-known ones count.
 */
export function configure(
  flags: ReadonlyMap<string, readonly string[]>,
  env: Readonly<Record<string, string | undefined>>,
): Configured {
  const resolved = resolveOptions({ flags, env, readFile });
  if (resolved.is === 'faults') return resolved;
  const { options, sources } = resolved;
  const isTold = sources.get('config') !== 'default' || sources.get('tmm-preset') !== 'default';
  const settings = settingsOf(options);
  return {
    is: 'ok',
    options,
    settings: isTold ? settings : { ...settings, tmm: { ...settings.tmm, taints: Object.values(PRESETS) } },
  };
}
