/**
 * The data about the features for the chart's templates, from their descriptors: their rights, and the writes that the admission policies
 * permit.
 */
import { FEATURES } from '../src/app/features.ts';
import type { ChartFeature, Feature, FeatureRights, Writes } from '../src/core/feature.ts';

export const SCOPES = ['cluster', 'watched', 'own'] as const satisfies readonly (keyof FeatureRights)[];

/** A feature, or the additions of a variant of its settings. */
interface Part {
  /** The value that switches the feature on, and the variant's name after a dot. */
  readonly name: string;
  readonly rights: FeatureRights;
  readonly writes: readonly Writes[];
  /** See `ChartFeature.names`. */
  readonly names: Readonly<Record<string, string>>;
}

/** In the order of `rightsFor`; a test on rendered charts checks that they add up to the same. */
export function chartFeatureParts(): readonly Part[] {
  return FEATURES.flatMap((feature): readonly Part[] => partsOf(feature as Feature<unknown>));
}

function partsOf({ chart, settings, rights }: Feature<unknown>): readonly Part[] {
  if (chart === undefined) return [];
  const { value, writes, plain: plainest = {}, variants = [], names = {}, always } = chart;
  const plain = always ?? rights(settings.parse(plainest));
  return [
    { name: value, rights: plain, writes, names },
    ...variants.map(({ name, section, beyond: known, writes: more = [] }) => {
      const added = beyond(plain, rights(settings.parse({ ...plainest, ...section })));
      return {
        name: `${value}.${name}`,
        rights: known === undefined ? added : beyond(rights(settings.parse(known)), added),
        writes: more,
        names,
      };
    }),
  ];
}

function beyond(plain: FeatureRights, all: FeatureRights): FeatureRights {
  const rest = SCOPES.map((scope) => {
    const known = new Set((plain[scope] ?? []).map((rule) => JSON.stringify(rule)));
    return [scope, (all[scope] ?? []).filter((rule) => !known.has(JSON.stringify(rule)))] as const;
  });
  return Object.fromEntries(rest);
}

/** The list that templates range over: the value of each feature, its section of the configuration, its variants, and its role. */
export function featuresData(): string {
  return FEATURES.flatMap(({ chart, section }) => {
    if (chart === undefined) return [];
    const { value, variants = [], role }: ChartFeature = chart;
    return `- ${JSON.stringify({ value, section, variants: variants.map(({ name }) => name), role })}\n`;
  }).join('');
}

/** Resources in their full form, `machines.cluster.x-k8s.io`. */
export function writesData(writes: readonly Writes[]): string {
  return yaml(
    Object.fromEntries(
      writes.map(({ on: { plural, group }, ...fields }) => [group === '' ? plural : `${plural}.${group}`, fields]),
    ),
  );
}

/** Bodies of templates by name. */
export function furtherData(): ReadonlyMap<string, string> {
  return new Map(
    FEATURES.flatMap(({ chart }) =>
      Object.entries(chart?.data ?? {}).map(([name, data]) => [name, yaml(data)] as const),
    ),
  );
}

/** One line per key; JSON is YAML. */
function yaml(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}
