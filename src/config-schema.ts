/** The configuration as a whole, checked: `apiVersion: maintenance-bridge.io/v1alpha1`, `kind: BridgeConfiguration`. */
import { z } from 'zod';
import { type CapiSettings, capiSettingsSchema } from './capi/settings.ts';
import { describeFound, type Fault, faultsOf, isMapping, type Path, valueAt } from './config-faults.ts';
import { durationMs, isPositiveDuration, parseDuration } from './core/duration.ts';
import { type Metal3Settings, metal3SettingsSchema } from './metal3/settings.ts';
import { type BindAddress, parseBindAddress } from './obs/address.ts';
import { ADDRESS_FORM } from './options.ts';
import { type TmmSettings, tmmSettingsSchema } from './tmm/settings.ts';

export const CONFIG_API_VERSION = 'maintenance-bridge.io/v1alpha1';
export const CONFIG_KIND = 'BridgeConfiguration';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const LOG_FORMATS = ['json', 'text'] as const;

/** A feature and what it runs with. */
export interface Section<T> {
  readonly enabled: boolean;
  readonly settings: T;
}

/** Everything that `run` was asked to do, checked and complete. */
export interface RunOptions {
  /** Absent: `KUBECONFIG`, else in-cluster, else `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** To which Machines and the like are limited; empty means all. */
  readonly namespaces: readonly string[];
  readonly dryRun: boolean;
  readonly leaderElection: {
    readonly enabled: boolean;
    /** Our own namespace, of stored Pods too. Absent where only the kubeconfig's context can say: then that context's namespace, else `default`. */
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
  readonly tmm: Section<TmmSettings>;
  readonly capi: Section<CapiSettings>;
  readonly metal3: Section<Metal3Settings>;
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

const duration = z.string().refine(isPositiveDuration, 'a duration above zero such as "15s"').transform(durationMs);

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
      // The field of the Lease takes no fractions.
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
  // Checked apart from the frame, so that faults in both are shown at once; here only for their names.
  tmm: z.unknown(),
  capi: z.unknown(),
  metal3: z.unknown(),
});

const enabledSchema = z.object({ enabled: z.boolean() });

/** All of the file's form; where the kubeconfig lies is not the file's matter. */
export type Configuration = Omit<RunOptions, 'kubeconfig'>;

export type Checked =
  | { readonly is: 'ok'; readonly configuration: Configuration }
  | { readonly is: 'faults'; readonly faults: readonly Fault[] };

/** Checks each section of a configuration in which defaults are already filled in; finds the faults of all of them. */
export function checkConfiguration(data: Readonly<Record<string, unknown>>): Checked {
  const frame = frameSchema.safeParse(data);
  const tmm = checkSection('tmm', data.tmm, tmmSettingsSchema);
  const capi = checkSection('capi', data.capi, capiSettingsSchema);
  const metal3 = checkSection('metal3', data.metal3, metal3SettingsSchema);
  if (!frame.success || tmm.is === 'faults' || capi.is === 'faults' || metal3.is === 'faults') {
    const inFrame = frame.success ? [] : faultsOf(frameSchema, frame.error.issues, data, []);
    const inSections = [tmm, capi, metal3].flatMap((section) => (section.is === 'faults' ? section.faults : []));
    return { is: 'faults', faults: [...inFrame, ...inSections] };
  }
  const { apiVersion: _apiVersion, kind: _kind, ...configuration } = frame.data;
  const sections = { tmm: tmm.section, capi: capi.section, metal3: metal3.section };
  return { is: 'ok', configuration: { ...configuration, ...sections } };
}

/**
 * What does not go together, among values that are sound by themselves.
 *
 * @param isKnown whether the value at a path is what somebody wants, not what stands in for it. What is not known is never
 *   held against the rest.
 */
export function checkTogether(
  data: Readonly<Record<string, unknown>>,
  isKnown: (path: Path) => boolean,
): readonly Fault[] {
  const is = (wanted: boolean, ...path: Path): boolean => valueAt(data, path) === wanted && isKnown(path);
  return [...gatesWithoutNodes(is), ...nothingToDo(is), ...termsThatDoNotFit(data, isKnown)];
}

/** Whether a switch is known to be in that position. */
type Is = (position: boolean, ...path: Path) => boolean;

/** What a gate asks of a Node, it asks over the connections of the Cluster API bridge. */
function gatesWithoutNodes(is: Is): readonly Fault[] {
  if (!is(true, 'metal3', 'enabled') || !is(false, 'capi', 'enabled')) return [];
  return (['requireDrained', 'waitForVolumeDetach'] as const)
    .filter((gate) => is(true, 'metal3', gate))
    .map((gate) => ({ path: ['metal3', gate], text: 'wanted false while capi.enabled is false, found true' }));
}

/** A process that runs, is ready, and never acts is what nobody wants. */
function nothingToDo(is: Is): readonly Fault[] {
  if (!['tmm', 'capi', 'metal3'].every((feature) => is(false, feature, 'enabled'))) return [];
  return [{ path: ['tmm', 'enabled'], text: 'wanted true while nothing else is enabled, found false' }];
}

/** From the longest to the shortest, with their defaults. */
const TERMS = [
  { key: 'leaseDuration', usual: '15s' },
  { key: 'renewDeadline', usual: '10s' },
  { key: 'retryPeriod', usual: '2s' },
] as const;

/**
 * A leader that could go on for as long as the others wait would be one of two; and it needs time for a second try. Where one of
 * two is the default, the other is what somebody chose.
 */
function termsThatDoNotFit(
  data: Readonly<Record<string, unknown>>,
  isKnown: (path: Path) => boolean,
): readonly Fault[] {
  const textOf = (key: string): string => String(valueAt(data, ['leaderElection', key]));
  return TERMS.slice(1).flatMap((shorter, index): readonly Fault[] => {
    const longer = TERMS[index];
    const areKnown = longer !== undefined && [longer, shorter].every(({ key }) => isKnown(['leaderElection', key]));
    if (!areKnown || (parseDuration(textOf(longer.key)) ?? 0) > (parseDuration(textOf(shorter.key)) ?? 0)) return [];
    const isShorterChosen = textOf(shorter.key) !== shorter.usual;
    const [chosen, other, than] = isShorterChosen ? [shorter, longer, 'less'] : [longer, shorter, 'more'];
    const text = `wanted ${than} than leaderElection.${other.key} (${textOf(other.key)}), found ${describeFound(textOf(chosen.key))}`;
    return [{ path: ['leaderElection', chosen.key], text }];
  });
}

type CheckedSection<T> =
  | { readonly is: 'ok'; readonly section: Section<T> }
  | { readonly is: 'faults'; readonly faults: readonly Fault[] };

/** A section has `enabled` and, beside it, what the feature's own schema knows. */
function checkSection<T>(name: string, section: unknown, schema: z.ZodType<T>): CheckedSection<T> {
  if (!isMapping(section)) {
    return { is: 'faults', faults: [{ path: [name], text: `wanted a mapping, found ${describeFound(section)}` }] };
  }
  const { enabled: _enabled, ...rest } = section;
  const enabled = enabledSchema.safeParse(section);
  const settings = schema.safeParse(rest);
  if (enabled.success && settings.success) {
    return { is: 'ok', section: { enabled: enabled.data.enabled, settings: settings.data } };
  }
  const faults = [
    ...(enabled.success ? [] : faultsOf(enabledSchema, enabled.error.issues, section, [name])),
    ...(settings.success ? [] : faultsOf(schema, settings.error.issues, rest, [name], ['enabled'])),
  ];
  return { is: 'faults', faults };
}
