/**
 * A feature as one value: everything about it that configuration, command line, metrics, rights, documentation and chart repeat.
 * Each feature exports its descriptor from its folder (`feature.ts`); `app/features.ts` lists them, and is the only place that
 * knows which features there are.
 */
import type { ExplainedKind } from './explained.ts';
import type { MetricDeclaration } from './metrics.ts';
import type { OptionRow } from './option.ts';
import type { RbacRule } from './rbac.ts';
import type { Resource } from './resources.ts';
import type { Trace } from './trace.ts';

export interface Feature<Settings> {
  /** Its key among the options of `run`, and its name in the list. */
  readonly name: string;
  /** Where its section stands in the configuration file: at the top, or within one that it shares with others. */
  readonly section: readonly [string] | readonly [string, string];
  /** Heads its part of the help and of docs/flags.md; features of the same title are shown together. */
  readonly title: string;
  /** The flag that switches it on and off. */
  readonly enable: {
    readonly flag: string;
    readonly default: boolean;
    readonly help: string;
  };
  /** Its options besides `enable`, with paths that begin with `section`. */
  readonly options: readonly OptionRow[];
  /** Checks what stands in its section beside `enabled`, and fills in the defaults. A zod schema. */
  readonly settings: { parse(section: unknown): Settings };
  /** Names of its controllers: values of the label `controller`. */
  readonly controllers: readonly string[];
  /** Plural names of the kinds that it watches: values of the label `resource`. */
  readonly watched: readonly string[];
  readonly metrics: readonly MetricDeclaration[];
  /** What people may ask about, in the order in which it is shown. */
  readonly explained?: readonly ExplainedKind<Settings>[];
  /** What it leaves on objects of the management cluster. */
  readonly traces?: readonly Trace[];
  rights(settings: Settings): FeatureRights;
  /** What it may do in workload clusters, for whoever issues narrower kubeconfigs than Cluster API's own. */
  readonly workloadRights?: WorkloadRights;
  /** Labels of workload Nodes that it reads. */
  readonly workloadLabels?: readonly string[];
  /** Whether it switches machines off: their Nodes then stay away for longer than an autoscaler may wait. @default false */
  readonly switchesMachinesOff?: boolean;
  /** Finds values that are sound each and do not go together. */
  conflicts?(isSet: IsSet): readonly Conflict[];
  /** @default the chart has no value that switches it on; its section stands under `config` alone */
  readonly chart?: ChartFeature;
}

/** What a feature may do, and no more. */
export interface FeatureRights {
  /** Whatever the namespaces that the process is limited to. */
  readonly cluster?: readonly RbacRule[];
  /** In the namespaces that the process is limited to; in all where it is not limited. */
  readonly watched?: readonly RbacRule[];
  /** In our own namespace. */
  readonly own?: readonly RbacRule[];
}

export interface WorkloadRights {
  /** What follows `maintenance-bridge-remote` in the name of the ClusterRole. */
  readonly suffix: string;
  readonly rules: readonly RbacRule[];
  /** The settings without which it is not needed, as a sentence names them. @default always needed */
  readonly onlyFor?: string;
}

/** Whether a switch is known to be in a position, at a path of the configuration. */
export type IsSet = (position: boolean, ...path: readonly string[]) => boolean;

export interface Conflict {
  readonly path: readonly string[];
  /** `wanted …, found …` */
  readonly text: string;
}

/** What the Helm chart knows of a feature: `scripts/chart-parts.ts` writes its generated parts from it. */
export interface ChartFeature {
  /** The feature is switched on by the value `features.<value>.enabled`. */
  readonly value: string;
  /** Explains that value in values.yaml. */
  readonly help: string;
  /** Further values beside `enabled`, each of them on or off, with their help. */
  readonly switches?: Readonly<Record<string, string>>;
  /** What ends the name of roles of its own, which its rules stand in. @default they stand with those of the other features */
  readonly role?: string;
  /** What it may do with any settings. @default its rights with an empty section */
  readonly always?: FeatureRights;
  /** Names of objects in the sections of variants, each with the template `maintenance-bridge.<it>` that has the real ones as a JSON list. */
  readonly names?: Readonly<Record<string, string>>;
  /** What it changes on objects with any settings: all that the admission policies let it change. */
  readonly writes: readonly Writes[];
  /** A section of the configuration under which it may do the least. @default the defaults */
  readonly plain?: object;
  /** Settings under which it may do more. */
  readonly variants?: readonly ChartVariant[];
  /** Bodies of further generated templates by name, each of them YAML that `fromYaml` reads. */
  readonly data?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface ChartVariant {
  /** The chart's template `maintenance-bridge.has.<value>.<name>` says, by the values, whether it applies. */
  readonly name: string;
  /** A section of the configuration that shows the variant, on top of the plain one. */
  readonly section: object;
  /** The section of a variant that applies together with this one: its rights are not repeated. */
  readonly beyond?: object;
  readonly writes?: readonly Writes[];
}

/** What one part of the program changes on objects of one kind. */
export interface Writes {
  readonly on: Resource<unknown>;
  readonly annotations?: readonly string[];
  readonly labels?: readonly string[];
  readonly finalizers?: readonly string[];
  /** Fields of `spec`. */
  readonly spec?: readonly string[];
  /** Fields of `status` that are ours whole. */
  readonly status?: readonly string[];
  /** Types of conditions in `status`. */
  readonly conditions?: readonly string[];
}

/** All options of a feature, the one that switches it on first. */
export function optionRowsOf({
  section,
  enable,
  options,
}: Pick<Feature<never>, 'section' | 'enable' | 'options'>): readonly OptionRow[] {
  return [{ ...enable, path: [...section, 'enabled'], inFile: true, kind: 'boolean' }, ...options];
}
