/** The options of the Metal3 integration besides the one that switches it on. */
import type { OptionRow } from '../core/option.ts';
import { REBOOT_MODES, STAYING_PODS } from './settings.ts';

export const METAL3_OPTION_ROWS: readonly OptionRow[] = [
  {
    flag: 'metal3-reboot-mode',
    path: ['metal3', 'rebootMode'],
    inFile: true,
    kind: 'enum',
    values: REBOOT_MODES,
    default: 'soft',
    help: 'How hosts are powered off; soft shuts down the operating system first',
  },
  {
    flag: 'metal3-require-drained',
    path: ['metal3', 'requireDrained'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Power a host off only if its Node has the condition Drained; needs the Cluster API bridge',
  },
  {
    flag: 'metal3-staying-pods',
    path: ['metal3', 'stayingPods'],
    inFile: true,
    kind: 'enum',
    values: STAYING_PODS,
    default: 'wait',
    help: 'With metal3-require-drained: whether Pods that remain on the Node after the drain keep the host powered on',
  },
  {
    flag: 'metal3-wait-for-volume-detach',
    path: ['metal3', 'waitForVolumeDetach'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Power a host off only if no volume is attached to its Node; needs the Cluster API bridge',
  },
  {
    flag: 'metal3-start-timeout',
    path: ['metal3', 'startTimeout'],
    inFile: true,
    kind: 'limit',
    default: '20m',
    help: 'How long remediation is prevented after the maintenance while the Node is not ready; 0 disables this',
  },
];
