import { describe, expect, it } from 'vitest';
import { clustersOf, readSecretPolicy } from './secret-policy.ts';

const HUB = (key: string, name = 's3'): string => `{{hub fromSecret "ramen-system" "${name}" "${key}" hub}}`;
const VELERO =
  '{{ (printf "[default]\\n  aws_access_key_id = %s\\n  aws_secret_access_key = %s\\n" ((lookup "v1" "Secret" "ramen-system" "s3").data.AWS_ACCESS_KEY_ID | base64dec) ((lookup "v1" "Secret" "ramen-system" "s3").data.AWS_SECRET_ACCESS_KEY | base64dec)) | base64enc }}';

const policyOf = (
  data: object,
  { kind = 'Secret', compliance = 'MustHave', disabled = false, more = [] as object[] } = {},
) => ({
  metadata: { namespace: 'ramen-system', name: 's3' },
  spec: {
    disabled,
    'policy-templates': [
      {
        objectDefinition: {
          kind: 'ConfigurationPolicy',
          spec: {
            'object-templates': [
              {
                complianceType: compliance,
                objectDefinition: { apiVersion: 'v1', kind, metadata: { namespace: 'ramen-system', name: 's3' }, data },
              },
              ...more,
            ],
          },
        },
      },
    ],
  },
});

describe('readSecretPolicy', () => {
  const place = { namespace: 'ramen-system', name: 's3' };

  it('`readSecretPolicy()` reads a copy of keys of one Secret', () => {
    expect(readSecretPolicy(policyOf({ a: HUB('a'), b: HUB('b') }))).toEqual({
      is: 'wish',
      wish: { is: 'copy', from: place, to: place, keys: ['a', 'b'], type: 'Opaque' },
    });
  });

  it('`readSecretPolicy()` reads Velero’s credentials, to the letter', () => {
    const wish = { is: 'velero', from: place, to: place, key: 'ramengenerated' };
    expect(readSecretPolicy(policyOf({ ramengenerated: VELERO }))).toEqual({ is: 'wish', wish });
    expect(readSecretPolicy(policyOf({ ramengenerated: VELERO.replace('default', 'other') })).is).toBe('other');
  });

  it.each<[string, object]>([
    ['a value of another key', policyOf({ a: HUB('b') })],
    ['values of two Secrets', policyOf({ a: HUB('a'), b: HUB('b', 'other') })],
    ['a plain value', policyOf({ a: 'YQ==' })],
    ['more around the template', policyOf({ a: `${HUB('a')} ` })],
    ['a name with a slash', policyOf({ a: HUB('a', '../x') })],
    ['no data', policyOf({})],
    ['another kind', policyOf({ a: HUB('a') }, { kind: 'ConfigMap' })],
    ['a Secret that must not be there', policyOf({ a: HUB('a') }, { compliance: 'MustNotHave' })],
    ['a second object', policyOf({ a: HUB('a') }, { more: [{}] })],
    ['one that is disabled', policyOf({ a: HUB('a') }, { disabled: true })],
    ['nothing at all', {}],
  ])('`readSecretPolicy()` leaves %s alone', (_, policy) => {
    expect(readSecretPolicy(policy as Record<string, unknown>).is).toBe('other');
  });
});

describe('clustersOf', () => {
  it('`clustersOf()` follows bindings to rules of the same namespace', () => {
    const metadata = { namespace: 'ramen-system' };
    const bindings = [
      { metadata, subjects: [{ kind: 'Policy', name: 's3' }], placementRef: { kind: 'PlacementRule', name: 'r' } },
      { metadata, subjects: [{ kind: 'Policy', name: 'x' }], placementRef: { kind: 'PlacementRule', name: 'x' } },
    ];
    const rules = [
      { metadata: { ...metadata, name: 'r' }, spec: { clusters: [{ name: 'east' }] } },
      { metadata: { ...metadata, name: 'x' }, spec: { clusters: [{ name: 'west' }] } },
      { metadata: { namespace: 'elsewhere', name: 'r' }, spec: { clusters: [{ name: 'west' }] } },
    ];
    expect([...clustersOf({ namespace: 'ramen-system', name: 's3' }, bindings, rules)]).toEqual(['east']);
  });
});
