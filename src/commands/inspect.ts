/** The commands that read once: `status` without `--watch`, and `why`. */
import { askedOf, type CommandContext, withCluster } from './cluster.ts';
import type { Format } from './format.ts';
import { tellLeftBehind } from './left-behind.ts';
import { failed, type Outcome } from './outcome.ts';
import { Overview } from './overview.ts';
import { renderStatus, renderWhy } from './render.ts';
import { configure } from './settings.ts';
import { isWanted, missingFrom, type Wanted } from './wanted.ts';
import { explainOne, type Named } from './why.ts';

/** The cluster and the output format. */
export interface InspectFlags {
  /** The flags of `run` that apply here, as texts by flag. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly output: Format;
  readonly noColour: boolean;
}

export interface StatusFlags extends InspectFlags {
  /** Also shows objects that are not under way. */
  readonly all: boolean;
  /** Takes precedence over the namespaces of flags, variables and file. */
  readonly allNamespaces: boolean;
  readonly selector?: string | undefined;
  readonly watch: boolean;
  /** Instead of the overview, shows what would be left behind if the program were uninstalled now. */
  readonly leftBehind: boolean;
  /** If not empty, only these objects are shown, whether something is under way or not. */
  readonly objects: readonly Wanted[];
}

export type Inspection =
  | { readonly is: 'status'; readonly flags: StatusFlags }
  | ({ readonly is: 'why'; readonly namespace?: string | undefined; readonly flags: InspectFlags } & Named);

/** For the whole command, however many pages it reads. */
const LOOK_TIMEOUT_MS = 60_000;

/** Exit codes: 0 found, 1 not found, or not everything could be read; 2 wrong configuration, or no usable kubeconfig. */
export async function inspect(inspection: Inspection, context: CommandContext): Promise<Outcome<0 | 1 | 2>> {
  const { env, nowMs, canvas } = context;
  const { given, output } = inspection.flags;
  const configured = configure(given, env);
  if (configured.is === 'faults') return failed(2, ...configured.faults);
  const { options, settings } = configured;
  return withCluster(options, context, async (client, credentials): Promise<Outcome<0 | 1>> => {
    if (inspection.is === 'why') {
      // The last of several flags counts; namespaces of the configuration limit the controllers, not this command.
      const asked = inspection.namespace ?? given.get('namespace')?.at(-1);
      const namespace = asked ?? credentials.namespace ?? 'default';
      const found = await explainOne(client, inspection, namespace, settings, context);
      if (found === 'NotServed') {
        return failed(1, `This cluster serves no ${inspection.kind}s.`, askedOf(credentials));
      }
      if (found === undefined) {
        const hint = asked === undefined && inspection.kind !== 'Node' ? '; -n names another namespace' : '';
        return failed(1, `There is no ${whatIs(inspection, namespace)}${hint}`);
      }
      return { code: 0, out: renderWhy(found, output, nowMs, canvas), err: '' };
    }
    const { flags } = inspection;
    if (flags.leftBehind) {
      const within = flags.allNamespaces ? [] : options.namespaces;
      const own = options.leaderElection.namespace ?? credentials.namespace ?? 'default';
      return tellLeftBehind(client, within, own);
    }
    const scope = { namespaces: flags.allNamespaces ? [] : options.namespaces, labelSelector: flags.selector };
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    const overview = await Overview.prepare(client, scope, settings, signal);
    const faults = await overview.look(client, signal);
    const all = overview.explanations(nowMs);
    const shown = all.filter((each) => isWanted(each, flags));
    const missing = faults.length === 0 ? missingFrom(all, flags.objects) : [];
    if (faults.length + missing.length === 0) return { ...failed(0), out: renderStatus(shown, output, nowMs, canvas) };
    const partly = failed<0 | 1>(1, ...faults, ...missing, ...(faults.length === 0 ? [] : [askedOf(credentials)]));
    return shown.length === 0 ? partly : { ...partly, out: renderStatus(shown, output, nowMs, canvas) };
  });
}

function whatIs({ kind, name }: Named, namespace: string): string {
  return kind === 'Node' ? `Node ${name}` : `${kind} ${namespace}/${name}`;
}
