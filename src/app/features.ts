/**
 * The features of the program: the single list that configuration, command line, metrics, rights, documentation, chart and start read. A
 * feature is a folder with its descriptor (`core/feature.ts`), a file in `app/` that wires it, and a row here.
 */
import type { z } from 'zod';
import { machineDrain } from '../capi/drain/feature.ts';
import { capi } from '../capi/feature.ts';
import type { ExplainedKind, Explainer, ReadKind, SourceOf } from '../core/explained.ts';
import type { Feature, FeatureRights } from '../core/feature.ts';
import type { KubeObject } from '../core/objects.ts';
import { metal3 } from '../metal3/feature.ts';
import { ramenBridge, ramenModes } from '../ramen/feature.ts';
import { tmm } from '../tmm/feature.ts';
import type { Parts } from './parts.ts';

/** In the order in which they are shown and started: a feature finds what the earlier ones offer (`Parts.offers`). */
const LIST = [
  { ...tmm, load: () => import('./tmm.ts') },
  { ...capi, load: () => import('./capi.ts') },
  { ...machineDrain, load: () => import('./machine-drain.ts') },
  { ...metal3, load: () => import('./metal3.ts') },
  { ...ramenModes, load: async () => ({ wire: (await import('./ramen.ts')).wireModes }) },
  { ...ramenBridge, load: async () => ({ wire: (await import('./ramen.ts')).wireBridge }) },
] as const;

type Listed = (typeof LIST)[number];
export type FeatureName = Listed['name'];
/** The settings of each feature, by its name. */
export type SettingsByName = { readonly [F in Listed as F['name']]: ReturnType<F['settings']['parse']> };

/** The state and the settings of a feature. */
export interface Section<Settings> {
  readonly enabled: boolean;
  readonly settings: Settings;
}

/** The section of each feature, by its name. */
export type Sections = { readonly [N in FeatureName]: Section<SettingsByName[N]> };

/** The exports of a file in `app/`. It is loaded when its feature runs, since most commands do not need it. */
interface Wiring<Settings> {
  /**
   * Puts caches, controllers and metrics together, and adds them to the manager.
   *
   * @param all the settings of the other features, whether they are enabled or not.
   */
  wire(parts: Parts, settings: Settings, all: SettingsByName): void;
}

/** The settings of all features, whether they are enabled or not. */
export function settingsOf(sections: Sections): SettingsByName {
  const settings = FEATURES.map(({ name }) => [name, sections[name].settings] as const);
  return Object.fromEntries(settings) as unknown as SettingsByName;
}

/** A row of the list, typed so that the compiler matches settings and feature even if it does not know which row it has. */
type Row<N extends FeatureName> = {
  readonly [K in N]: Feature<SettingsByName[K]> & {
    readonly name: K;
    readonly settings: z.ZodType<SettingsByName[K]>;
    readonly load: () => Promise<Wiring<SettingsByName[K]>>;
  };
}[N];

export const FEATURES: readonly Row<FeatureName>[] = LIST;

/** Names of the controllers that this program can run. */
export const CONTROLLERS: readonly ControllerName[] = LIST.flatMap(({ controllers }) => controllers);
export type ControllerName = Listed['controllers'][number];

/** Plural names of the kinds that it can watch. */
export const WATCHED: readonly Watched[] = [...new Set(LIST.flatMap(({ watched }): readonly Watched[] => watched))];
export type Watched = Listed['watched'][number];

/** The rights of each feature that is enabled. */
export function rightsIn(sections: Sections): readonly FeatureRights[] {
  const rightsOf = <N extends FeatureName>(feature: Row<N>): FeatureRights =>
    feature.rights(sections[feature.name].settings);
  return FEATURES.filter(({ name }) => sections[name].enabled).map(rightsOf);
}

/** The kinds that users can ask about, in the order in which they are shown. */
export const EXPLAINED: readonly Pick<ExplainedKind<never>, 'resource' | 'versions' | 'shortNames' | 'overview'>[] =
  FEATURES.flatMap(({ explained = [] }): readonly ExplainedKind<never>[] => explained);

/** The names of the kinds that have an overview. */
export const SHOWN_KINDS: readonly string[] = EXPLAINED.flatMap(({ resource, overview }) =>
  overview === undefined ? [] : [resource.kind],
);

/** A kind that has an overview. */
export interface Shown extends ReadKind {
  readonly by: readonly ReadKind[];
  explainer(sourceOf: SourceOf): Explainer<KubeObject>;
}

/** The kinds that have an overview, explained by these settings. */
export function shownBy(settings: SettingsByName): readonly Shown[] {
  const shownOf = <N extends FeatureName>({ name, explained = [] }: Row<N>): readonly Shown[] =>
    explained.flatMap(({ resource, versions, trim, overview }): readonly Shown[] => {
      if (overview === undefined) return [];
      const explainer = (sourceOf: SourceOf) => overview.explainer(sourceOf, settings[name]);
      return [{ resource, ...(versions && { versions }), ...(trim && { trim }), by: overview.by, explainer }];
    });
  return FEATURES.flatMap((feature): readonly Shown[] => shownOf(feature));
}

/** Adds the controllers of each feature that is enabled. */
export async function wireFeatures(parts: Parts, sections: Sections): Promise<void> {
  const all = settingsOf(sections);
  const wire = async <N extends FeatureName>(feature: Row<N>): Promise<void> =>
    (await feature.load()).wire(parts, sections[feature.name].settings, all);
  for (const feature of FEATURES) if (sections[feature.name].enabled) await wire(feature);
}

/** Sections in which the given features are on, with the keys that a file would set, and all others off. */
export function sectionsWith(on: Readonly<Partial<Record<FeatureName, object>>>): Sections {
  const sections = FEATURES.map(({ name, settings }) => {
    return [name, { enabled: on[name] !== undefined, settings: settings.parse(on[name] ?? {}) }] as const;
  });
  return Object.fromEntries(sections) as Sections;
}
