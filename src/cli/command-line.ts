/** The result of parsing a command line. */
import type { DashboardFlags } from '../commands/dashboard.ts';
import type { Inspection } from '../commands/inspect.ts';
import type { Maintenance } from '../commands/maintain/maintain.ts';
import type { Planned } from '../commands/plan.ts';
import type { PlanFormat } from '../commands/render-plan.ts';
import type { RollFlags } from '../commands/roll/flags.ts';

export type CommandLine =
  /** The texts of each flag by its name, in the given order. */
  | { readonly is: 'run'; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly is: 'version'; readonly format: 'text' | 'json' }
  | Inspection
  | { readonly is: 'maintain'; readonly command: Maintenance }
  /** `why node/NAME -o observed`. */
  | { readonly is: 'observed'; readonly node: string; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly is: 'roll'; readonly flags: RollFlags }
  /** The flags of `run`, of which `--kubeconfig`, `--context` and `--config` are accepted. */
  | {
      readonly is: 'plan';
      readonly planned: Planned;
      readonly output: PlanFormat | 'html';
      readonly noColour: boolean;
      readonly flags: ReadonlyMap<string, readonly string[]>;
    }
  | { readonly is: 'dashboard'; readonly flags: DashboardFlags }
  /** Requested help or script (code 0), or wrong usage (code 2): print and exit. */
  | { readonly is: 'exit'; readonly code: 0 | 2; readonly out: string; readonly err: string };
