import { describe, expect, it } from 'vitest';
import { readObject } from '../cli/object-names.ts';
import { resolveOptions } from '../config/resolve.ts';
import { METAL3_RULES } from '../metal3/rbac.ts';
import { sectionsWith } from './features.ts';
import { type Rights, rightsFor } from './rbac.ts';

const HEAD = 'apiVersion: maintenance-bridge.io/v1alpha1\nkind: BridgeConfiguration\n';

interface Given {
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The part of `bridge.yaml` after its head. */
  readonly file?: string;
}

function faultsOf({ flags = {}, env = {}, file }: Given): readonly string[] {
  const config = file === undefined ? {} : { config: 'bridge.yaml' };
  const resolved = resolveOptions({
    flags: new Map(Object.entries({ ...config, ...flags }).map(([flag, text]) => [flag, [text]])),
    env,
    readFile: () => `${HEAD}${file}`,
  });
  return resolved.is === 'faults' ? resolved.faults : [];
}

function rights(on: Parameters<typeof sectionsWith>[0], namespaces: readonly string[] = []): Rights {
  return rightsFor({ ...sectionsWith(on), namespaces, leaderElection: { enabled: true, id: 'x' } });
}

describe('the Metal3 integration among the features', () => {
  it.each(['bmh', 'bmhost', 'baremetalhost.metal3.io', 'baremetalhosts.v1alpha1.metal3.io', 'bmh.metal3.io'])(
    'has people name a host as %s/rack.7',
    (kind) => {
      expect(readObject(`${kind}/rack.7`)).toEqual({ kind: 'BareMetalHost', name: 'rack.7' });
    },
  );

  it('takes 0 for no limit, and nothing below it', () => {
    expect(faultsOf({ file: 'metal3: { startTimeout: 0 }\n' })).toEqual([]);
    expect(faultsOf({ flags: { 'metal3-start-timeout': '0' } })).toEqual([]);
    expect(faultsOf({ env: { MAINTENANCE_BRIDGE_METAL3_START_TIMEOUT: '0s' } })).toEqual([]);
    expect(faultsOf({ file: 'metal3: { startTimeout: -1 }\n' })).toEqual([
      'bridge.yaml:3: metal3.startTimeout: wanted a duration such as "90s", "5m" or "1h30m", or "0" for none, found -1',
    ]);
  });

  it('may touch BareMetalHosts only where it is on', () => {
    const onHosts = expect.objectContaining({ resources: ['baremetalhosts'] });
    expect(rights({ tmm: {}, capi: {} }).cluster).not.toContainEqual(onHosts);
    expect(rights({ tmm: {}, capi: {}, metal3: {} }).cluster).toEqual(expect.arrayContaining([...METAL3_RULES]));
    expect(rights({ tmm: {}, metal3: {} }, ['metal']).watched).toEqual(METAL3_RULES);
  });

  it.each<[string, Given, string]>([
    [
      'the file',
      { file: 'capi:\n  enabled: false\nmetal3:\n  enabled: true\n  requireDrained: true\n' },
      'bridge.yaml:7: metal3.requireDrained',
    ],
    [
      'flags',
      {
        flags: {
          'enable-capi': 'false',
          'enable-metal3-maintenance': 'true',
          'metal3-wait-for-volume-detach': 'true',
        },
      },
      '--metal3-wait-for-volume-detach',
    ],
  ])('refuses a gate that nobody could ask, from %s', (_from, given, where) => {
    expect(faultsOf(given)).toEqual([`${where}: wanted false while capi.enabled is false, found true`]);
  });

  // Off by default: if the default were taken, "nothing is enabled" would be a second fault.
  it.each<[string, Given]>([
    ['is not read', { flags: { 'enable-tmm': 'false', 'enable-capi': 'false', 'enable-metal3-maintenance': 'yes' } }],
    ['is misspelt', { file: 'tmm: { enabled: false }\ncapi: { enabled: false }\nmetal3: { enabledd: true }\n' }],
    [
      'has a misspelt variable',
      {
        flags: { 'enable-tmm': 'false', 'enable-capi': 'false' },
        env: { MAINTENANCE_BRIDGE_ENABLE_METAL3_MAINTENANC: 'true' },
      },
    ],
  ])('is not taken to be off where its switch %s', (_what, given) => {
    expect(faultsOf(given)).toHaveLength(1);
  });
});
