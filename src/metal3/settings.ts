/** What an operator can choose for Metal3: the `metal3` section of the configuration. */
import { z } from 'zod';
import { durationMs, parseDuration } from '../core/duration.ts';

export const REBOOT_MODES = ['soft', 'hard'] as const;

export interface Metal3Settings {
  /** `soft` lets the operating system shut down first; Metal3 resorts to `hard` by itself when that fails. */
  readonly rebootMode: (typeof REBOOT_MODES)[number];
  /** Switch off only what the Node's condition `Drained` says is drained. */
  readonly requireDrained: boolean;
  /** Switch off only when no volume is attached to the Node any more. */
  readonly waitForVolumeDetach: boolean;
  /** For how long at most remediation is held off after the end, while the Node is not ready yet. */
  readonly startTimeoutMs: number;
}

export const metal3SettingsSchema = z
  .strictObject({
    rebootMode: z.enum(REBOOT_MODES).default('soft'),
    requireDrained: z.boolean().default(false),
    waitForVolumeDetach: z.boolean().default(false),
    startTimeout: z
      .string()
      .refine((text) => parseDuration(text) !== undefined, 'a duration such as "20m", or "0" for none')
      .transform(durationMs)
      .default(1_200_000),
  })
  .transform(({ startTimeout, ...rest }): Metal3Settings => ({ ...rest, startTimeoutMs: startTimeout }));
