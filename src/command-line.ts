/** What a command line comes to. */
import type { Inspection } from './commands/inspect.ts';
import type { PlanFormat } from './commands/render-plan.ts';

export type CommandLine =
  /** The texts of each flag by its name, in the order given. */
  | { readonly is: 'run'; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly is: 'version'; readonly format: 'text' | 'json' }
  | Inspection
  /** Flags as for `run`, of which `--kubeconfig`, `--context` and `--config` are taken. */
  | {
      readonly is: 'plan';
      readonly nodes: readonly string[];
      readonly output: PlanFormat;
      readonly noColour: boolean;
      readonly flags: ReadonlyMap<string, readonly string[]>;
    }
  /** Help or a script that was asked for (code 0), or wrong usage (code 2): print and exit. */
  | { readonly is: 'exit'; readonly code: 0 | 2; readonly out: string; readonly err: string };
