/** The configuration as a whole, checked: `apiVersion: maintenance-bridge.io/v1alpha1`, `kind: BridgeConfiguration`. */
import { z } from 'zod';
import { FEATURES, type Section, type Sections } from '../app/features.ts';
import { parseDuration } from '../core/duration.ts';
import { duration } from '../core/duration-schema.ts';
import type { IsSet } from '../core/feature.ts';
import { ADDRESS_FORM } from '../core/option.ts';
import { type BindAddress, parseBindAddress } from '../obs/address.ts';
import { type ConfigFault, describeFound, faultsOf, isMapping, type Path, valueAt } from './faults.ts';

export const CONFIG_API_VERSION = 'maintenance-bridge.io/v1alpha1';
export const CONFIG_KIND = 'BridgeConfiguration';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const LOG_FORMATS = ['json', 'text'] as const;

/** All options of `run`, checked and complete. */
export interface RunOptions extends Sections {
  /** Absent: `KUBECONFIG`, else in-cluster, else `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** The namespaces to which Machines and similar kinds are limited; empty means all. */
  readonly namespaces: readonly string[];
  readonly dryRun: boolean;
  readonly leaderElection: {
    readonly enabled: boolean;
    /**
     * Our own namespace, also for stored Pods. Absent if only the kubeconfig's context determines it: then that context's namespace, else
     * `default`.
     */
    readonly namespace?: string | undefined;
    readonly id: string;
    /** Each longer than the next; the first in whole seconds. */
    readonly leaseDurationMs: number;
    readonly renewDeadlineMs: number;
    readonly retryPeriodMs: number;
  };
  readonly metrics: { readonly bindAddress: BindAddress };
  readonly health: { readonly bindAddress: BindAddress };
  readonly log: { readonly level: (typeof LOG_LEVELS)[number]; readonly format: (typeof LOG_FORMATS)[number] };
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

// YAML reads an unquoted 0 as a number; both spellings mean off.
const bindAddress = z.union([z.string(), z.literal(0)]).transform((value, context): BindAddress => {
  const address = parseBindAddress(String(value));
  if (address !== undefined) return address;
  context.addIssue({ code: 'custom', message: ADDRESS_FORM, input: value });
  return z.NEVER;
});

const frameSchema = z.strictObject({
  apiVersion: z.literal(CONFIG_API_VERSION),
  kind: z.literal(CONFIG_KIND),
  context: z.string().min(1).optional(),
  namespaces: z.array(z.string().regex(DNS_LABEL, 'the name of a namespace')).default([]),
  dryRun: z.boolean(),
  leaderElection: z
    .strictObject({
      enabled: z.boolean(),
      namespace: z.string().regex(DNS_LABEL, 'the name of a namespace').optional(),
      id: z.string().max(253).regex(DNS_SUBDOMAIN, 'a name such as "maintenance-bridge"'),
      // The field of the Lease accepts no fractions.
      leaseDuration: duration.refine((ms) => ms % 1000 === 0, 'a duration of whole seconds such as "15s"'),
      renewDeadline: duration,
      retryPeriod: duration,
    })
    .transform(({ leaseDuration, renewDeadline, retryPeriod, ...rest }) => ({
      ...rest,
      leaseDurationMs: leaseDuration,
      renewDeadlineMs: renewDeadline,
      retryPeriodMs: retryPeriod,
    })),
  metrics: z.strictObject({ bindAddress }),
  health: z.strictObject({ bindAddress }),
  log: z.strictObject({ level: z.enum(LOG_LEVELS), format: z.enum(LOG_FORMATS) }),
  // Checked separately from the frame, so that faults in both are reported at once; here only the names matter.
  ...sectionNames(),
});

/** A feature's section is at the top, or within one that it shares with others. */
function sectionNames(): Readonly<Record<string, z.ZodType>> {
  const byHead = Map.groupBy(FEATURES, ({ section: [head] }) => head);
  return Object.fromEntries(
    [...byHead].map(([head, features]) => {
      const inner = features.flatMap(({ section: [, name] }) => (name === undefined ? [] : [[name, z.unknown()]]));
      const isShared = features.every(({ section: [, name] }) => name !== undefined);
      return [head, isShared ? z.strictObject(Object.fromEntries(inner)) : z.unknown()];
    }),
  );
}

const enabledSchema = z.object({ enabled: z.boolean() });

/** Everything that the file can contain; the kubeconfig's path is not part of it. */
export type Configuration = Omit<RunOptions, 'kubeconfig'>;

export type Checked =
  | { readonly is: 'ok'; readonly configuration: Configuration }
  | { readonly is: 'faults'; readonly faults: readonly ConfigFault[] };

/** Checks each section of a configuration in which defaults are filled in; reports the faults of all of them. */
export function checkConfiguration(data: Readonly<Record<string, unknown>>): Checked {
  const frame = frameSchema.safeParse(data);
  const sections = FEATURES.map(({ name, section, settings }) => ({
    name,
    ...checkSection<unknown>(section, data, settings),
  }));
  const faults = sections.flatMap((section) => (section.is === 'faults' ? section.faults : []));
  if (!frame.success)
    return { is: 'faults', faults: [...faultsOf(frameSchema, frame.error.issues, data, []), ...faults] };
  if (faults.length > 0) return { is: 'faults', faults };
  const { context, namespaces, dryRun, leaderElection, metrics, health, log } = frame.data;
  // Each section was checked by the schema of its feature.
  const checked = Object.fromEntries(
    sections.map((each) => [each.name, each.is === 'ok' && each.section]),
  ) as unknown as Sections;
  return { is: 'ok', configuration: { context, namespaces, dryRun, leaderElection, metrics, health, log, ...checked } };
}

/**
 * Finds contradictions between values that are each valid.
 *
 * @param isKnown whether the value at a path was chosen by somebody, and does not replace an invalid one. Unknown values never count as a
 * contradiction.
 */
export function checkTogether(
  data: Readonly<Record<string, unknown>>,
  isKnown: (path: Path) => boolean,
): readonly ConfigFault[] {
  const is: IsSet = (wanted, ...path) => valueAt(data, path) === wanted && isKnown(path);
  return [
    ...FEATURES.flatMap((feature) => feature.conflicts?.(is) ?? []),
    ...nothingToDo(is),
    ...termsThatDoNotFit(data, isKnown),
  ];
}

/** A process that runs, is ready, and never acts cannot be intended. */
function nothingToDo(is: IsSet): readonly ConfigFault[] {
  if (!FEATURES.every(({ section }) => is(false, ...section, 'enabled'))) return [];
  const [first] = FEATURES;
  return first === undefined
    ? []
    : [{ path: [...first.section, 'enabled'], text: 'wanted true while nothing else is enabled, found false' }];
}

/** From the longest to the shortest, with their defaults. */
const TERMS = [
  { key: 'leaseDuration', usual: '15s' },
  { key: 'renewDeadline', usual: '10s' },
  { key: 'retryPeriod', usual: '2s' },
] as const;

/**
 * A leader that could continue for as long as the others wait could be one of two; and it needs time for a second attempt. If one of two
 * values is the default, the fault is reported on the other.
 */
function termsThatDoNotFit(
  data: Readonly<Record<string, unknown>>,
  isKnown: (path: Path) => boolean,
): readonly ConfigFault[] {
  const textOf = (key: string): string => String(valueAt(data, ['leaderElection', key]));
  return TERMS.slice(1).flatMap((shorter, index): readonly ConfigFault[] => {
    const longer = TERMS[index];
    const areKnown = longer !== undefined && [longer, shorter].every(({ key }) => isKnown(['leaderElection', key]));
    if (!areKnown || (parseDuration(textOf(longer.key)) ?? 0) > (parseDuration(textOf(shorter.key)) ?? 0)) return [];
    const isShorterChosen = textOf(shorter.key) !== shorter.usual;
    const [chosen, other, than] = isShorterChosen ? [shorter, longer, 'less'] : [longer, shorter, 'more'];
    const text = `wanted ${than} than leaderElection.${other.key} (${textOf(other.key)}), found ${describeFound(textOf(chosen.key))}`;
    return [{ path: ['leaderElection', chosen.key], text }];
  });
}

/** Names of sections of other features within this section. */
function innerSections(path: readonly string[]): readonly string[] {
  return FEATURES.flatMap(({ section: [head, inner] }) =>
    inner !== undefined && path.length === 1 && path[0] === head ? [inner] : [],
  );
}

/** `capi.drain: true` is short for `capi.drain.enabled: true`; the same holds for every feature whose section is within another. */
export function spellOut(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const whole = new Map(Object.entries(data));
  for (const {
    section: [head, inner],
  } of FEATURES) {
    const outer = whole.get(head);
    if (inner === undefined || !isMapping(outer) || typeof valueAt(outer, [inner]) !== 'boolean') continue;
    whole.set(head, { ...outer, [inner]: { enabled: outer[inner] } });
  }
  return Object.fromEntries(whole);
}

type CheckedSection<T> =
  | { readonly is: 'ok'; readonly section: Section<T> }
  | { readonly is: 'faults'; readonly faults: readonly ConfigFault[] };

/** A section has `enabled` and, beside it, the keys of the feature's own schema. */
function checkSection<T>(
  path: readonly string[],
  data: Readonly<Record<string, unknown>>,
  schema: z.ZodType<T>,
): CheckedSection<T> {
  const section = valueAt(data, path);
  if (!isMapping(section)) {
    return { is: 'faults', faults: [{ path, text: `wanted a mapping, found ${describeFound(section)}` }] };
  }
  const { enabled: _enabled, ...whole } = section;
  const inner = innerSections(path);
  const rest = Object.fromEntries(Object.entries(whole).filter(([key]) => !inner.includes(key)));
  const enabled = enabledSchema.safeParse(section);
  const settings = schema.safeParse(rest);
  if (enabled.success && settings.success) {
    return { is: 'ok', section: { enabled: enabled.data.enabled, settings: settings.data } };
  }
  const faults = [
    ...(enabled.success ? [] : faultsOf(enabledSchema, enabled.error.issues, section, path)),
    ...(settings.success ? [] : faultsOf(schema, settings.error.issues, rest, path, ['enabled', ...inner])),
  ];
  return { is: 'faults', faults };
}
