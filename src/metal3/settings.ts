/** What an operator can choose for Metal3: the `metal3` section of the configuration. */
import { z } from 'zod';
import { limit } from '../core/duration-schema.ts';

export const REBOOT_MODES = ['soft', 'hard'] as const;
export const STAYING_PODS = ['wait', 'ignore'] as const;

export interface Metal3Settings {
  /** `soft` lets the operating system shut down first; Metal3 resorts to `hard` by itself when that fails. */
  readonly rebootMode: (typeof REBOOT_MODES)[number];
  /** Switch off only what the Node's condition `Drained` says is drained. */
  readonly requireDrained: boolean;
  /**
   * With `requireDrained`: what a Pod means that is still on a drained Node since it tolerates the taint or was passed over.
   * `wait`: the host stays on until it has gone. Pods of DaemonSets, mirror Pods and finished Pods never count.
   */
  readonly stayingPods: (typeof STAYING_PODS)[number];
  /** Switch off only when no volume is attached to the Node any more. */
  readonly waitForVolumeDetach: boolean;
  /** For how long at most remediation is held off after the end, while the Node is not ready yet. */
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
