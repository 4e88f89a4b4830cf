/** By which settings things are explained: those of the operator, as far as they are known. */
import type { CapiSettings } from '../capi/settings.ts';
import { resolveOptions } from '../config.ts';
import type { RunOptions } from '../config-schema.ts';
import type { Metal3Settings } from '../metal3/settings.ts';
import { readFile } from '../read-file.ts';
import { type MaintenanceTaint, PRESETS } from '../tmm/names.ts';

export interface Settings {
  /** Those that ask for maintenance. */
  readonly taints: readonly MaintenanceTaint[];
  /** Key of the rejection on Pods. */
  readonly rejectionAnnotation: string;
  readonly capi: CapiSettings;
  readonly metal3: Metal3Settings;
}

export type Configured =
  | { readonly is: 'ok'; readonly options: RunOptions; readonly settings: Settings }
  | { readonly is: 'faults'; readonly faults: readonly string[] };

/**
 * Resolves flags, variables and the file of `--config` by the rules of `run`, with its faults. Where nobody says which
 * taints ask for maintenance, all well-known ones are taken for it.
 */
export function configure(
  flags: ReadonlyMap<string, readonly string[]>,
  env: Readonly<Record<string, string | undefined>>,
): Configured {
  const resolved = resolveOptions({ flags, env, readFile });
  if (resolved.is === 'faults') return resolved;
  const { options, sources } = resolved;
  const { tmm, capi, metal3 } = options;
  const isTold = sources.get('config') !== 'default' || sources.get('tmm-preset') !== 'default';
  return {
    is: 'ok',
    options,
    settings: {
      taints: isTold ? tmm.settings.taints : Object.values(PRESETS),
      rejectionAnnotation: tmm.settings.rejectionAnnotation,
      capi: capi.settings,
      metal3: metal3.settings,
    },
  };
}
