/**
 * Reads the Policies by which Ramen's hub makes Open Cluster Management distribute Secrets: in exactly the recorded forms, and no others.
 * The template language is not interpreted here.
 *
 * - S3 credentials and VolSync's pre-shared key: each value is `{{hub fromSecret "NAMESPACE" "NAME" "KEY" hub}}`, all of one Secret.
 * - Velero's credentials: one value that is composed from the copied S3 credentials.
 */
import { isNamespaceName, isObjectName } from './path-names.ts';

export interface SecretPlace {
  readonly namespace: string;
  readonly name: string;
}

export type SecretWish =
  /** Copies these keys of a Secret of the hub. */
  | {
      readonly is: 'copy';
      readonly from: SecretPlace;
      readonly to: SecretPlace;
      readonly keys: readonly string[];
      readonly type: string;
    }
  /** Builds a credentials file from another Secret of the cluster. */
  | { readonly is: 'velero'; readonly from: SecretPlace; readonly to: SecretPlace; readonly key: string };

export type PolicyReading =
  | { readonly is: 'wish'; readonly wish: SecretWish }
  /** A Policy that is not carried out; the reason is for people. */
  | { readonly is: 'other'; readonly why: string };

type Fields = Readonly<Record<string, unknown>>;

const FROM_HUB = /^\{\{hub fromSecret "([^"\\]+)" "([^"\\]+)" "([^"\\]+)" hub\}\}$/;
const FROM_CLUSTER = /\(lookup "v1" "Secret" "([^"\\]+)" "([^"\\]+)"\)/;

const other = (why: string): PolicyReading => ({ is: 'other', why });

/** The effect of a Policy on the clusters that it is bound to. */
export function readSecretPolicy(policy: Fields): PolicyReading {
  const spec = fieldsOf(policy.spec);
  if (spec?.disabled === true) return other('it is disabled');
  const template = onlyOf(spec?.['policy-templates']);
  const configuration = fieldsOf(template?.objectDefinition);
  if (configuration?.kind !== 'ConfigurationPolicy') return other('it is no single ConfigurationPolicy');
  const entry = onlyOf(fieldsOf(configuration.spec)?.['object-templates']);
  if (String(entry?.complianceType).toLowerCase() !== 'musthave')
    return other('it is no single object that must be there');
  const secret = fieldsOf(entry?.objectDefinition);
  if (secret?.kind !== 'Secret' || secret.apiVersion !== 'v1') return other('it is about something else than a Secret');
  const metadata = fieldsOf(secret.metadata);
  const to = placeOf(metadata?.namespace, metadata?.name);
  const data = Object.entries(fieldsOf(secret.data) ?? {});
  if (to === undefined || data.length === 0) return other('its Secret has no name, namespace or data');
  return veleroIn(data, to) ?? copyIn(data, to, secret.type);
}

function copyIn(data: readonly (readonly [string, unknown])[], to: SecretPlace, type: unknown): PolicyReading {
  const sources = data.map(([key, value]) => {
    const [, namespace, name, sourceKey] = FROM_HUB.exec(String(value)) ?? [];
    return sourceKey === key ? placeOf(namespace, name) : undefined;
  });
  const [from] = sources;
  const isOne = sources.every((each) => each?.name === from?.name && each?.namespace === from?.namespace);
  if (from === undefined || !isOne)
    return other('its values are not those of one Secret of the hub under the same keys');
  const keys = data.map(([key]) => key);
  return { is: 'wish', wish: { is: 'copy', from, to, keys, type: typeof type === 'string' ? type : 'Opaque' } };
}

function veleroIn(data: readonly (readonly [string, unknown])[], to: SecretPlace): PolicyReading | undefined {
  const [[key, value] = ['', ''], ...others] = data;
  const [, namespace, name] = FROM_CLUSTER.exec(String(value)) ?? [];
  const from = placeOf(namespace, name);
  if (others.length > 0 || from === undefined || value !== veleroTemplate(from)) return undefined;
  return { is: 'wish', wish: { is: 'velero', from, to, key } };
}

/** Exactly as Ramen writes it (a78c2e37). */
function veleroTemplate({ namespace, name }: SecretPlace): string {
  const value = (field: string): string =>
    `((lookup "v1" "Secret" "${namespace}" "${name}").data.${field} | base64dec)`;
  const format = '[default]\\n  aws_access_key_id = %s\\n  aws_secret_access_key = %s\\n';
  return `{{ (printf "${format}" ${value('AWS_ACCESS_KEY_ID')} ${value('AWS_SECRET_ACCESS_KEY')}) | base64enc }}`;
}

/** The clusters that a Policy is bound to, by PlacementRules that list them by name. */
export function clustersOf(
  policy: SecretPlace,
  bindings: readonly Fields[],
  rules: readonly Fields[],
): ReadonlySet<string> {
  const within = (object: Fields): boolean => fieldsOf(object.metadata)?.namespace === policy.namespace;
  const bound = bindings
    .filter(within)
    .filter(({ subjects }) => listOf(subjects).some(({ kind, name }) => kind === 'Policy' && name === policy.name))
    .flatMap(({ placementRef }) => {
      const { kind, name } = fieldsOf(placementRef) ?? {};
      return kind === 'PlacementRule' ? [name] : [];
    });
  const chosen = rules.filter(within).filter(({ metadata }) => bound.includes(fieldsOf(metadata)?.name));
  const names = chosen.flatMap(({ spec }) => listOf(fieldsOf(spec)?.clusters).map(({ name }) => name));
  return new Set(names.filter((name) => typeof name === 'string'));
}

function placeOf(namespace: unknown, name: unknown): SecretPlace | undefined {
  if (typeof namespace !== 'string' || typeof name !== 'string') return undefined;
  return isNamespaceName(namespace) && isObjectName(name) ? { namespace, name } : undefined;
}

function onlyOf(value: unknown): Fields | undefined {
  const [first, ...others] = listOf(value);
  return others.length === 0 ? first : undefined;
}

function listOf(value: unknown): readonly Fields[] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  return entries.map(fieldsOf).filter((each) => each !== undefined);
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
