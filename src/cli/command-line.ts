/** What a command line comes to. */
import type { DashboardFlags } from '../commands/dashboard.ts';
import type { Inspection } from '../commands/inspect.ts';
import type { Maintenance } from '../commands/maintain/maintain.ts';
import type { Planned } from '../commands/plan.ts';
import type { PlanFormat } from '../commands/render-plan.ts';
import type { RollFlags } from '../commands/roll/flags.ts';

export type CommandLine =
  /** The texts of each flag by its name, in the order given. */
  | { readonly is: 'run'; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly is: 'version'; readonly format: 'text' | 'json' }
  | Inspection
  | { readonly is: 'maintain'; readonly command: Maintenance }
  /** `why node/NAME -o observed`. */
  | { readonly is: 'observed'; readonly node: string; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly is: 'roll'; readonly flags: RollFlags }
  /** Flags as for `run`, of which `--kubeconfig`, `--context` and `--config` are taken. */
  | {
      readonly is: 'plan';
      readonly planned: Planned;
      readonly output: PlanFormat | 'html';
      readonly noColour: boolean;
      readonly flags: ReadonlyMap<string, readonly string[]>;
    }
  | { readonly is: 'dashboard'; readonly flags: DashboardFlags }
  /** Help or a script that was asked for (code 0), or wrong usage (code 2): print and exit. */
  | { readonly is: 'exit'; readonly code: 0 | 2; readonly out: string; readonly err: string };
