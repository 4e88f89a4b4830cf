/**
 * A feature as one value, from which configuration, command line, metrics, rights, documentation and chart derive their parts. Each feature
 * exports its descriptor from its folder (`feature.ts`); `app/features.ts` lists them, and is the only place that names all features.
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
  /** The path of its section in the configuration file: at the top, or within a section that it shares with others. */
  readonly section: readonly [string] | readonly [string, string];
  /** The heading of its part of the help and of docs/flags.md; features with the same title are shown together. */
  readonly title: string;
  /** The flag that switches it on and off. */
  readonly enable: {
    readonly flag: string;
    readonly default: boolean;
    readonly help: string;
  };
  /** Its options besides `enable`, with paths that begin with `section`. */
  readonly options: readonly OptionRow[];
  /** Checks the settings of its section besides `enabled`, and fills in the defaults. A zod schema. */
  readonly settings: { parse(section: unknown): Settings };
  /** Names of its controllers: values of the label `controller`. */
  readonly controllers: readonly string[];
  /** Plural names of the kinds that it watches: values of the label `resource`. */
  readonly watched: readonly string[];
  readonly metrics: readonly MetricDeclaration[];
  /** The kinds that users can ask about, in the order in which they are shown. */
  readonly explained?: readonly ExplainedKind<Settings>[];
  /** The marks that it leaves on objects of the management cluster. */
  readonly traces?: readonly Trace[];
  rights(settings: Settings): FeatureRights;
  /** Its rights in workload clusters, for operators who issue narrower kubeconfigs than Cluster API's own. */
  readonly workloadRights?: WorkloadRights;
  /** Labels of workload Nodes that it reads. */
  readonly workloadLabels?: readonly string[];
  /** Whether it switches machines off: their Nodes then stay away for longer than an autoscaler may wait. @default false */
  readonly switchesMachinesOff?: boolean;
  /** Finds values that are each valid but contradict one another. */
  conflicts?(isSet: IsSet): readonly Conflict[];
  /** @default the chart has no value that switches it on; its section stands under `config` alone */
  readonly chart?: ChartFeature;
}

/** The rights of a feature, and no more. */
export interface FeatureRights {
  /** Independent of the namespaces that the process is limited to. */
  readonly cluster?: readonly RbacRule[];
  /** In the namespaces that the process is limited to; in all if it is not limited. */
  readonly watched?: readonly RbacRule[];
  /** In our own namespace. */
  readonly own?: readonly RbacRule[];
}

export interface WorkloadRights {
  /** The suffix of the ClusterRole's name after `maintenance-bridge-remote`. */
  readonly suffix: string;
  readonly rules: readonly RbacRule[];
  /** The settings that make it necessary, as a sentence names them. @default always needed */
  readonly onlyFor?: string;
}

/** Whether a switch at a path of the configuration is known to be in this position. */
export type IsSet = (position: boolean, ...path: readonly string[]) => boolean;

export interface Conflict {
  readonly path: readonly string[];
  /** `wanted …, found …` */
  readonly text: string;
}

/** The chart's part of a feature: `scripts/chart-parts.ts` generates its templates from it. */
export interface ChartFeature {
  /** The feature is switched on by the value `features.<value>.enabled`. */
  readonly value: string;
  /** Explains that value in values.yaml. */
  readonly help: string;
  /** Further values beside `enabled`, each of them on or off, with their help. */
  readonly switches?: Readonly<Record<string, string>>;
  /** The suffix of the name of separate roles for its rules. @default the roles shared with the other features */
  readonly role?: string;
  /** Its rights with any settings. @default its rights with an empty section */
  readonly always?: FeatureRights;
  /** Names of objects in the sections of variants; for each, the template `maintenance-bridge.<it>` gives the real ones as a JSON list. */
  readonly names?: Readonly<Record<string, string>>;
  /** Its changes of objects with any settings: everything that the admission policies permit it to change. */
  readonly writes: readonly Writes[];
  /** A section of the configuration with the fewest rights. @default the defaults */
  readonly plain?: object;
  /** Settings that need further rights. */
  readonly variants?: readonly ChartVariant[];
  /** Bodies of further generated templates by name, each of them YAML that `fromYaml` reads. */
  readonly data?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface ChartVariant {
  /** The chart's template `maintenance-bridge.has.<value>.<name>` determines from the values whether it applies. */
  readonly name: string;
  /** A section of the configuration that shows the variant, on top of the plain one. */
  readonly section: object;
  /** The section of a variant that applies together with this one: its rights are not repeated. */
  readonly beyond?: object;
  readonly writes?: readonly Writes[];
}

/** The changes that one part of the program makes to objects of one kind. */
export interface Writes {
  readonly on: Resource<unknown>;
  readonly annotations?: readonly string[];
  readonly labels?: readonly string[];
  readonly finalizers?: readonly string[];
  /** Fields of `spec`. */
  readonly spec?: readonly string[];
  /** Fields of `status` that we own entirely. */
  readonly status?: readonly string[];
  /** Types of conditions in `status`. */
  readonly conditions?: readonly string[];
}

/** All options of a feature, beginning with the one that enables it. */
export function optionRowsOf({
  section,
  enable,
  options,
}: Pick<Feature<never>, 'section' | 'enable' | 'options'>): readonly OptionRow[] {
  return [{ ...enable, path: [...section, 'enabled'], inFile: true, kind: 'boolean' }, ...options];
}
