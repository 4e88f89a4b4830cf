/** The options of machine drain besides the one that switches it on. */
import type { OptionRow } from '../../core/option.ts';

export const DRAIN_OPTION_ROWS: readonly OptionRow[] = [
  {
    flag: 'capi-drain-max-unavailable',
    path: ['capi', 'drain', 'maxUnavailable'],
    inFile: true,
    kind: 'share',
    default: 1,
    help: 'Maximum number or percentage of unavailable Machines of one MachineDeployment or MachinePool',
  },
  {
    flag: 'capi-drain-max-concurrent-machines',
    path: ['capi', 'drain', 'maxConcurrentMachines'],
    inFile: true,
    kind: 'integer',
    default: 0,
    help: 'Maximum number of unavailable Machines in all clusters together; 0 for no limit',
  },
  {
    flag: 'capi-drain-window-days',
    path: ['capi', 'drain', 'window', 'days'],
    inFile: true,
    kind: 'list',
    defaultText: 'every day',
    help: 'Days of the week on which requests may begin, such as mon,tue',
  },
  {
    flag: 'capi-drain-window-start',
    path: ['capi', 'drain', 'window', 'start'],
    inFile: true,
    kind: 'string',
    defaultText: 'the beginning of the day',
    help: 'Time of day from which requests may begin, such as 9am or 22:00',
  },
  {
    flag: 'capi-drain-window-end',
    path: ['capi', 'drain', 'window', 'end'],
    inFile: true,
    kind: 'string',
    defaultText: 'the end of the day',
    help: 'Time of day until which requests may begin; if it is before the start, the window spans midnight',
  },
  {
    flag: 'capi-drain-window-time-zone',
    path: ['capi', 'drain', 'window', 'timeZone'],
    inFile: true,
    kind: 'string',
    default: 'UTC',
    help: 'Time zone of the window, such as Europe/Berlin',
  },
];
