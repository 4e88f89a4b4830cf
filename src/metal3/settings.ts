/** What an operator can choose for Metal3: the `metal3` section of the configuration. */
import { z } from 'zod';
import { limit } from '../core/duration-schema.ts';

export const REBOOT_MODES = ['soft', 'hard'] as const;
export const STAYING_PODS = ['wait', 'ignore'] as const;

export interface Metal3Settings {
  /** `soft` lets the operating system shut down first; Metal3 falls back to `hard` by itself if that fails. */
  readonly rebootMode: (typeof REBOOT_MODES)[number];
  /** Switch off only if the Node's condition `Drained` is True. */
  readonly requireDrained: boolean;
  /**
   * With `requireDrained`: how to treat Pods that are still on a drained Node because they tolerate the taint or were skipped. `wait`: the
   * host stays on until they have gone. Pods of DaemonSets, mirror Pods and finished Pods never count.
   */
  readonly stayingPods: (typeof STAYING_PODS)[number];
  /** Switch off only when no volume is attached to the Node any more. */
  readonly waitForVolumeDetach: boolean;
  /** How long remediation stays suspended after the end, while the Node is not ready yet. */
  readonly startTimeoutMs: number;
}

export const metal3SettingsSchema = z
  .strictObject({
    rebootMode: z.enum(REBOOT_MODES).default('soft'),
    requireDrained: z.boolean().default(false),
    stayingPods: z.enum(STAYING_PODS).default('wait'),
    waitForVolumeDetach: z.boolean().default(false),
    startTimeout: limit.default(1_200_000),
  })
  .transform(({ startTimeout, ...rest }): Metal3Settings => ({ ...rest, startTimeoutMs: startTimeout }));
