/** The configuration as a whole, checked: `apiVersion: maintenance-bridge.io/v1alpha1`, `kind: BridgeConfiguration`. */
import { z } from 'zod';
import { describeFound, type Fault, faultsOf, isMapping } from './config-faults.ts';
import { type BindAddress, parseBindAddress } from './obs/address.ts';
import { ADDRESS_FORM } from './options.ts';
import { type TmmSettings, tmmSettingsSchema } from './tmm/settings.ts';

export const CONFIG_API_VERSION = 'maintenance-bridge.io/v1alpha1';
export const CONFIG_KIND = 'BridgeConfiguration';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const LOG_FORMATS = ['json', 'text'] as const;

/** Everything that `run` was asked to do, checked and complete. */
export interface RunOptions {
  /** Absent: `KUBECONFIG`, else in-cluster, else `~/.kube/config`. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly dryRun: boolean;
  readonly leaderElection: {
    readonly enabled: boolean;
    /** Absent where only the kubeconfig's context can say: then that context's namespace, else `default`. */
    readonly namespace?: string | undefined;
    readonly id: string;
  };
  readonly metrics: { readonly bindAddress: BindAddress };
  readonly health: { readonly bindAddress: BindAddress };
  readonly log: { readonly level: (typeof LOG_LEVELS)[number]; readonly format: (typeof LOG_FORMATS)[number] };
  readonly tmm: { readonly enabled: boolean; readonly settings: TmmSettings };
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
  dryRun: z.boolean(),
  leaderElection: z.strictObject({
    enabled: z.boolean(),
    namespace: z.string().regex(DNS_LABEL, 'the name of a namespace').optional(),
    id: z.string().max(253).regex(DNS_SUBDOMAIN, 'a name such as "maintenance-bridge"'),
  }),
  metrics: z.strictObject({ bindAddress }),
  health: z.strictObject({ bindAddress }),
  log: z.strictObject({ level: z.enum(LOG_LEVELS), format: z.enum(LOG_FORMATS) }),
  // Checked apart from the frame, so that faults in both are shown at once; here only for its name.
  tmm: z.unknown(),
});

const enabledSchema = z.object({ enabled: z.boolean() });

/** All of the file's form; where the kubeconfig lies is not the file's matter. */
export type Configuration = Omit<RunOptions, 'kubeconfig'>;

export type Checked =
  | { readonly is: 'ok'; readonly configuration: Configuration }
  | { readonly is: 'faults'; readonly faults: readonly Fault[] };

/** Checks a configuration in which defaults are already filled in; finds every fault, not just the first. */
export function checkConfiguration(data: Readonly<Record<string, unknown>>): Checked {
  const frame = frameSchema.safeParse(data);
  const faults = frame.success ? [] : faultsOf(frameSchema, frame.error.issues, data, []);
  const section = data.tmm;
  if (!isMapping(section)) {
    const wanted: Fault = { path: ['tmm'], text: `wanted a mapping, found ${describeFound(section)}` };
    return { is: 'faults', faults: [...faults, wanted] };
  }
  const { enabled: _enabled, ...rest } = section;
  const enabled = enabledSchema.safeParse(section);
  if (!enabled.success) faults.push(...faultsOf(enabledSchema, enabled.error.issues, section, ['tmm']));
  const settings = tmmSettingsSchema.safeParse(rest);
  if (!settings.success) faults.push(...faultsOf(tmmSettingsSchema, settings.error.issues, rest, ['tmm']));
  if (!frame.success || !enabled.success || !settings.success) return { is: 'faults', faults };
  const { apiVersion: _apiVersion, kind: _kind, ...configuration } = frame.data;
  const tmm = { enabled: enabled.data.enabled, settings: settings.data };
  return { is: 'ok', configuration: { ...configuration, tmm } };
}
