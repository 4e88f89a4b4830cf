import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEATURES } from '../app/features.ts';
import { variableOf } from '../core/option.ts';
import { OPTION_ROWS } from './options.ts';
import { type Inputs, resolveOptions } from './resolve.ts';

const HEAD = 'apiVersion: maintenance-bridge.io/v1alpha1\nkind: BridgeConfiguration\n';

interface Given {
  readonly file?: string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: Inputs['env'];
}

/** Resolves with a file called bridge.yaml, if one is given, and no other file. */
function resolve({ file, flags = {}, env = {} }: Given) {
  const all = file === undefined ? flags : { ...flags, config: 'bridge.yaml' };
  return resolveOptions({
    flags: new Map(Object.entries(all).map(([flag, text]) => [flag, [text]])),
    env,
    readFile: (path) => {
      if (path === 'bridge.yaml' && file !== undefined) return file;
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    },
  });
}

function optionsOf(given: Given) {
  const resolved = resolve(given);
  if (resolved.is === 'faults') throw new Error(resolved.faults.join('\n'));
  return resolved.options;
}

function faultsOf(given: Given): readonly string[] {
  const resolved = resolve(given);
  return resolved.is === 'faults' ? resolved.faults : [];
}

describe('`resolveOptions()`', () => {
  it('needs no file, no variable and no flag', () => {
    expect(optionsOf({})).toMatchObject({
      dryRun: false,
      leaderElection: {
        enabled: true,
        id: 'maintenance-bridge',
        leaseDurationMs: 15_000,
        renewDeadlineMs: 10_000,
        retryPeriodMs: 2000,
      },
      metrics: { bindAddress: { is: 'on', port: 8080 } },
      health: { bindAddress: { is: 'on', port: 8081 } },
      log: { level: 'info', format: 'json' },
      tmm: {
        enabled: true,
        settings: {
          drainTimeoutMs: 3_600_000,
          taints: [{ key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' }],
        },
      },
    });
  });

  it('has the same defaults as the documentation: setting each to its default changes nothing', () => {
    const defaults = OPTION_ROWS.flatMap((row) => (row.default === undefined ? [] : [[row.flag, String(row.default)]]));
    expect(optionsOf({ flags: Object.fromEntries(defaults) })).toEqual(optionsOf({}));
    expect(optionsOf({ file: `${HEAD}tmm: {}\n` })).toEqual(optionsOf({}));
  });

  it('lets the flag beat the variable, the variable the file, and the file the default', () => {
    const file = `${HEAD}log: { level: warn }\n`;
    const env = { MAINTENANCE_BRIDGE_LOG_LEVEL: 'error' };
    const levels = [{}, { file }, { file, env }, { file, env, flags: { 'log-level': 'debug' } }].map((given) => {
      const resolved = resolve(given);
      return resolved.is === 'ok' && [resolved.options.log.level, resolved.sources.get('log-level')];
    });
    expect(levels).toEqual([
      ['info', 'default'],
      ['warn', 'file'],
      ['error', 'variable'],
      ['debug', 'flag'],
    ]);
  });

  it.each([
    ['in the file, as a number', { file: `${HEAD}capi: { hookTimeout: 0 }\ntmm: { skipWaitForDeleteTimeout: 0 }\n` }],
    ['in the file, as a text', { file: `${HEAD}capi: { hookTimeout: "0" }\ntmm: { skipWaitForDeleteTimeout: 0s }\n` }],
    ['as a flag', { flags: { 'capi-hook-timeout': '0', 'tmm-skip-wait-for-delete-timeout': '0' } }],
    [
      'as a variable',
      { env: { MAINTENANCE_BRIDGE_CAPI_HOOK_TIMEOUT: '0', MAINTENANCE_BRIDGE_TMM_SKIP_WAIT_FOR_DELETE_TIMEOUT: '0' } },
    ],
  ])('takes 0 for no limit %s', (_, given) => {
    expect(optionsOf(given)).toMatchObject({
      capi: { settings: { hookTimeoutMs: 0 } },
      tmm: { settings: { skipWaitForDeleteTimeoutMs: 0 } },
    });
  });

  it.each([
    ['in short', 'capi: { drain: true }\n'],
    ['in full', 'capi: { drain: { enabled: true } }\n'],
  ])('switches on a section within another %s', (_, file) => {
    expect(optionsOf({ file: `${HEAD}${file}` })).toMatchObject({
      capi: { enabled: true },
      machineDrain: { enabled: true, settings: { maxUnavailable: 1, maxConcurrentMachines: 0 } },
    });
  });

  it('reads every section of the file', () => {
    const file = `${HEAD}
context: lab
dryRun: true
leaderElection: { enabled: false, namespace: kube-system, id: mine, leaseDuration: 1m }
metrics: { bindAddress: 0 }
health: { bindAddress: "[::1]:9000" }
log: { format: text }
tmm:
  taints: [{ key: example.com/drain, value: now, effect: NoExecute }]
  pods: [{ namespaces: [shop], selector: { matchLabels: { app: db } } }]
  presets: [vmware]
  drainTimeout: 90m
  cordon: always
`;
    expect(optionsOf({ file })).toMatchObject({
      context: 'lab',
      dryRun: true,
      leaderElection: { enabled: false, namespace: 'kube-system', id: 'mine', leaseDurationMs: 60_000 },
      metrics: { bindAddress: { is: 'off' } },
      health: { bindAddress: { is: 'on', host: '::1', port: 9000 } },
      log: { level: 'info', format: 'text' },
      tmm: {
        settings: {
          taints: [{ key: 'node.vmware.com/drain' }, { key: 'example.com/drain' }],
          pods: [{ namespaces: ['shop'], selector: { matchLabels: { app: 'db' } } }],
          drainTimeoutMs: 5_400_000,
          cordon: 'always',
        },
      },
    });
  });

  it.each([
    [true, 'always'],
    [false, 'never'],
    ['auto', 'auto'],
  ])('takes `tmm.cordon: %s`, as earlier versions wrote it, for %s', (written, cordon) => {
    expect(optionsOf({ file: `${HEAD}tmm: { cordon: ${written} }\n` })).toMatchObject({
      tmm: { settings: { cordon } },
    });
  });

  it.each<[string, Given, string[]]>([
    [
      'a flag’s text',
      { flags: { 'tmm-honour-do-not-evict': 'maybe' } },
      ['--tmm-honour-do-not-evict: wanted true or false, found "maybe"'],
    ],
    [
      'a variable’s text',
      { env: { MAINTENANCE_BRIDGE_TMM_CORDON: 'true' } },
      ['MAINTENANCE_BRIDGE_TMM_CORDON: wanted "auto", "always" or "never", found "true"'],
    ],
    [
      'a value out of range, by whoever set it',
      { flags: { 'tmm-max-parallel-evictions': '0' }, file: `${HEAD}tmm: { maxParallelEvictions: 3 }\n` },
      ['--tmm-max-parallel-evictions: wanted at least 1, found 0'],
    ],
    [
      'an address',
      { flags: { 'metrics-bind-address': '8080' } },
      [
        '--metrics-bind-address: wanted an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080", or "0" for off, found "8080"',
      ],
    ],
    [
      'a misspelt variable',
      { env: { MAINTENANCE_BRIDGE_TMM_CORDEN: 'true' } },
      [
        'MAINTENANCE_BRIDGE_TMM_CORDEN: wanted a known variable (did you mean MAINTENANCE_BRIDGE_TMM_CORDON?), found MAINTENANCE_BRIDGE_TMM_CORDEN',
      ],
    ],
    [
      'an unknown key, with the one that was meant',
      { file: `${HEAD}tmm:\n  drainTimout: 1h\n` },
      ['bridge.yaml:4: tmm.drainTimout: wanted a known key (did you mean "drainTimeout"?), found "drainTimout"'],
    ],
    [
      'an unknown key with no neighbour',
      { file: `${HEAD}log: { colour: red }\n` },
      ['bridge.yaml:3: log.colour: wanted one of level, format, found "colour"'],
    ],
    [
      'a wrong type, by the words of its option',
      { file: `${HEAD}tmm:\n  honourDoNotEvict: yes\n  drainTimeout: 5\n  maxParallelEvictions: 1.5\n` },
      [
        'bridge.yaml:4: tmm.honourDoNotEvict: wanted true or false, found "yes"',
        'bridge.yaml:5: tmm.drainTimeout: wanted a duration above zero such as "90s", "5m" or "1h30m", found 5',
        'bridge.yaml:6: tmm.maxParallelEvictions: wanted a whole number, found 1.5',
      ],
    ],
    [
      'an entry deep in a list',
      { file: `${HEAD}tmm:\n  taints:\n    - key: a\n      value: b\n      effect: NoSchedul\n` },
      [
        'bridge.yaml:7: tmm.taints[0].effect: wanted "NoSchedule", "PreferNoSchedule" or "NoExecute", found "NoSchedul"',
      ],
    ],
    [
      'a missing key, at its section',
      { file: `${HEAD}tmm:\n  taints:\n    - key: a\n      effect: NoSchedule\n` },
      ['bridge.yaml:5: tmm.taints[0].value: wanted a text, found nothing'],
    ],
    [
      'the same taint twice',
      {
        file: `${HEAD}tmm:\n  presets: [default]\n  taints: [{ key: drain, value: planned-downtime, effect: NoSchedule }]\n`,
      },
      [
        'bridge.yaml:5: tmm.taints: wanted each taint once; drain=planned-downtime:NoSchedule stands there twice, found a list of 1',
      ],
    ],
    [
      'a section of another kind',
      { file: `${HEAD}tmm: [1]\nlog: 5\n` },
      ['bridge.yaml:3: tmm: wanted a mapping, found a list of 1', 'bridge.yaml:4: log: wanted a mapping, found 5'],
    ],
    [
      'another apiVersion and kind',
      { file: 'apiVersion: v1\nkind: ConfigMap\n' },
      [
        'bridge.yaml:1: apiVersion: wanted "maintenance-bridge.io/v1alpha1", found "v1"',
        'bridge.yaml:2: kind: wanted "BridgeConfiguration", found "ConfigMap"',
      ],
    ],
    [
      'a key that is for the command line only',
      { file: `${HEAD}kubeconfig: /tmp/config\n` },
      [
        `bridge.yaml:3: kubeconfig: wanted one of apiVersion, kind, context, namespaces, dryRun, leaderElection, metrics, health, log, ${[...new Set(FEATURES.map(({ section }) => section[0]))].join(', ')}, found "kubeconfig"`,
      ],
    ],
    ['an empty file', { file: '' }, ['bridge.yaml:1: wanted a mapping with apiVersion and kind, found nothing']],
    ['a list', { file: '- a\n' }, ['bridge.yaml:1: wanted a mapping with apiVersion and kind, found a list']],
    ['two documents', { file: `${HEAD}---\n${HEAD}` }, ['bridge.yaml:3: wanted one YAML document, found 2']],
    ['a missing file', { flags: { config: 'none.yaml' } }, ['none.yaml: wanted a readable file, found no such file']],
    [
      'numbers where a duration is wanted',
      {
        file: `${HEAD}tmm:\n  drainTimeout: 0\ncapi:\n  hookTimeout: 5\nleaderElection:\n  retryPeriod: 0\n`,
      },
      [
        'bridge.yaml:4: tmm.drainTimeout: wanted a duration above zero such as "90s", "5m" or "1h30m", found 0',
        'bridge.yaml:6: capi.hookTimeout: wanted a duration such as "90s", "5m" or "1h30m", or "0" for none, found 5',
        'bridge.yaml:8: leaderElection.retryPeriod: wanted a duration above zero such as "90s", "5m" or "1h30m", found 0',
      ],
    ],
    [
      'proxies that are no hosts',
      { file: `${HEAD}capi:\n  allowedProxies: [proxy.test, 'http://proxy.test', '']\n` },
      [
        'bridge.yaml:4: capi.allowedProxies[1]: wanted a host, or host:port, without a scheme, found "http://proxy.test"',
        'bridge.yaml:4: capi.allowedProxies[2]: wanted a host, or host:port, without a scheme, found ""',
      ],
    ],
    [
      'a timeout and a label of the Cluster API bridge',
      { file: `${HEAD}capi:\n  hookTimeout: 90\n  requireNodeLabel: not a key\n` },
      [
        'bridge.yaml:4: capi.hookTimeout: wanted a duration such as "90s", "5m" or "1h30m", or "0" for none, found 90',
        'bridge.yaml:5: capi.requireNodeLabel: wanted the key of a label, or nothing, found "not a key"',
      ],
    ],
    [
      'machine drain without the bridge whose connections it needs',
      { file: `${HEAD}capi:\n  enabled: false\n  drain: true\n` },
      ['bridge.yaml:5: capi.drain.enabled: wanted false while capi.enabled is false, found true'],
    ],
    [
      'a window of machine drain that never was',
      { file: `${HEAD}capi:\n  drain:\n    window: { days: [someday], start: noon }\n    spare: 1\n` },
      [
        'bridge.yaml:5: capi.drain.window.days[0]: wanted a day of the week such as mon, tue, wed, thu, fri, sat, sun, found "someday"',
        'bridge.yaml:5: capi.drain.window.start: wanted a time of day such as "9am", "17:00" or "23:59:59", found "noon"',
        'bridge.yaml:6: capi.drain.spare: wanted one of enabled, maxUnavailable, maxConcurrentMachines, window, found "spare"',
      ],
    ],
    [
      'features that are all off',
      { flags: { 'enable-tmm': 'false' }, file: `${HEAD}capi:\n  enabled: false\n` },
      ['--enable-tmm: wanted true while nothing else is enabled, found false'],
    ],
    [
      'a leader that would go on for longer than the others wait',
      { flags: { 'leader-elect-renew-deadline': '20s' } },
      ['--leader-elect-renew-deadline: wanted less than leaderElection.leaseDuration (15s), found "20s"'],
    ],
    [
      'a Lease that is shorter than what is usual for its renewal',
      { file: `${HEAD}leaderElection:\n  leaseDuration: 5s\n` },
      ['bridge.yaml:4: leaderElection.leaseDuration: wanted more than leaderElection.renewDeadline (10s), found "5s"'],
    ],
    [
      'no time for a second try',
      { file: `${HEAD}leaderElection: { renewDeadline: 9s, retryPeriod: 9s }\n` },
      ['bridge.yaml:3: leaderElection.retryPeriod: wanted less than leaderElection.renewDeadline (9s), found "9s"'],
    ],
    [
      'a part of a second, of which a Lease has none',
      { flags: { 'leader-elect-lease-duration': '15500ms' } },
      ['--leader-elect-lease-duration: wanted a duration of whole seconds such as "15s", found "15500ms"'],
    ],
    [
      'a name of a namespace',
      { flags: { namespace: 'team-a,Team_B' } },
      ['--namespace: wanted the name of a namespace, found "Team_B"'],
    ],
    ['a huge file', { file: `#${'x'.repeat(1024 * 1024)}` }, ['bridge.yaml: wanted at most 1 MiB, found more']],
  ])('says what is wrong with %s', (_what, given, faults) => {
    expect(faultsOf(given)).toEqual(faults);
  });

  it('says where the YAML breaks', () => {
    expect(faultsOf({ file: `${HEAD}log: {\nlevel\n` })[0]).toMatch(/^bridge\.yaml:\d: wanted YAML, found: /);
    expect(faultsOf({ file: `${HEAD}kind: BridgeConfiguration\n` })).toEqual([
      expect.stringMatching(/^bridge\.yaml:3: wanted YAML, found: .*unique/),
    ]);
    expect(faultsOf({ file: `${HEAD}log: *nowhere\n` })[0]).toMatch(/^bridge\.yaml:\d: wanted YAML, found: /);
  });

  it('refuses aliases that grow without bound', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
    expect(faultsOf({ file: `${HEAD}l0: &l0 [x]\n${levels.join('\n')}\n` })).toEqual([
      expect.stringMatching(/^bridge\.yaml:1: wanted YAML, found: .*alias/),
    ]);
  });

  it('does not let a key touch the prototype', () => {
    expect(faultsOf({ file: `${HEAD}__proto__: { dryRun: true }\n` })).toHaveLength(1);
  });

  it('shows the faults of flags, variables and the file at once', () => {
    const given = {
      file: `${HEAD}dryRun: 1\n`,
      flags: { 'log-level': 'loud' },
      env: { MAINTENANCE_BRIDGE_ENABLE_TMM: '1' },
    };
    expect(faultsOf(given)).toHaveLength(3);
  });

  it.each<[string, Given, string[]]>([
    [
      'a text that is not read and a value out of range',
      { flags: { 'log-level': 'loud', 'tmm-max-concurrent-nodes': '0' } },
      [
        '--log-level: wanted "debug", "info", "warn" or "error", found "loud"',
        '--tmm-max-concurrent-nodes: wanted at least 1, found 0',
      ],
    ],
    [
      'a text that is not read, a value out of range, and what does not go together',
      {
        flags: {
          'log-level': 'loud',
          'tmm-max-parallel-evictions': '0',
          'leader-elect-renew-deadline': '20s',
        },
      },
      [
        '--log-level: wanted "debug", "info", "warn" or "error", found "loud"',
        '--tmm-max-parallel-evictions: wanted at least 1, found 0',
        '--leader-elect-renew-deadline: wanted less than leaderElection.leaseDuration (15s), found "20s"',
      ],
    ],
    [
      'a file that cannot be read and a value out of range',
      { flags: { config: 'none.yaml', 'tmm-max-parallel-evictions': '0' } },
      [
        'none.yaml: wanted a readable file, found no such file',
        '--tmm-max-parallel-evictions: wanted at least 1, found 0',
      ],
    ],
    [
      'a fault of the file, one of a flag, and what a section asks of several values',
      {
        file: `${HEAD}tmm:\n  cordon: 1\n  taints: [{ key: drain, value: planned-downtime, effect: NoSchedule }]\n`,
        flags: { 'tmm-preset': 'default', 'tmm-max-parallel-evictions': '0' },
      },
      [
        'bridge.yaml:4: tmm.cordon: wanted "auto", "always" or "never", found 1',
        '--tmm-max-parallel-evictions: wanted at least 1, found 0',
        'bridge.yaml:5: tmm.taints: wanted each taint once; drain=planned-downtime:NoSchedule stands there twice, found a list of 1',
      ],
    ],
  ])('shows at once %s', (_what, given, faults) => {
    expect(faultsOf(given)).toEqual(faults);
  });

  it.each<[string, Given]>([
    [
      'a feature whose switch in the file is not read',
      { file: `${HEAD}capi: { enabled: maybe }\n`, flags: { 'enable-tmm': 'false' } },
    ],
    ['a file that cannot be read', { flags: { config: 'none.yaml', 'enable-tmm': 'false', 'enable-capi': 'false' } }],
    ['a file whose name is not read', { flags: { config: '', 'enable-tmm': 'false', 'enable-capi': 'false' } }],
    [
      'a flag that would have beaten the variable',
      {
        flags: { 'enable-tmm': 'flase' },
        env: { MAINTENANCE_BRIDGE_ENABLE_TMM: 'false', MAINTENANCE_BRIDGE_ENABLE_CAPI: 'false' },
      },
    ],
    ['a section that is none', { file: `${HEAD}tmm: [1]\n`, flags: { 'tmm-cordon': 'always' } }],
  ])('holds nothing against the rest that follows from %s alone', (_what, given) => {
    expect(faultsOf(given)).toHaveLength(1);
  });

  it('judges together what counts in the end: a flag may put right what the file leaves undone', () => {
    const file = `${HEAD}tmm: { enabled: false }\ncapi: { enabled: false }\n`;
    expect(faultsOf({ file })).toEqual([
      'bridge.yaml:3: tmm.enabled: wanted true while nothing else is enabled, found false',
    ]);
    expect(optionsOf({ file, flags: { 'enable-tmm': 'true' } }).tmm.enabled).toBe(true);
  });

  it('ignores variables that Kubernetes sets for a Service of our name, and empty ones', () => {
    const env = {
      MAINTENANCE_BRIDGE_PORT: 'tcp://10.0.0.1:8080',
      MAINTENANCE_BRIDGE_SERVICE_HOST: '10.0.0.1',
      MAINTENANCE_BRIDGE_PORT_8080_TCP_PROTO: 'tcp',
      MAINTENANCE_BRIDGE_LOG_LEVEL: '',
    };
    expect(optionsOf({ env })).toEqual(optionsOf({}));
  });

  it('keeps an empty section as if it were not there', () => {
    expect(optionsOf({ file: `${HEAD}tmm:\nlog:\n` })).toEqual(optionsOf({}));
  });

  it('takes the Lease’s namespace from the flag, POD_NAMESPACE, or the Pod’s own file', () => {
    const namespaceOf = (flags: [string, string[]][], env: Inputs['env']) => {
      const resolved = resolveOptions({ flags: new Map(flags), env, readFile: () => 'mounted\n' });
      return resolved.is === 'ok' ? resolved.options.leaderElection.namespace : resolved;
    };
    const flag: [string, string[]] = ['leader-election-namespace', ['flagged']];
    expect(namespaceOf([flag], { POD_NAMESPACE: 'pod' })).toBe('flagged');
    expect(namespaceOf([], { POD_NAMESPACE: 'pod' })).toBe('pod');
    expect(namespaceOf([], {})).toBe('mounted');
    expect(namespaceOf([['kubeconfig', ['elsewhere']]], {})).toBeUndefined();
    expect(namespaceOf([], { KUBECONFIG: 'elsewhere' })).toBeUndefined();
  });

  it('never throws, whatever the file and the variables hold', () => {
    const names = fc.constantFrom(...OPTION_ROWS.map(variableOf));
    const yaml = fc.oneof(
      fc.string(),
      fc.json().map((json) => `${HEAD}tmm: ${json}\nlog: ${json}\n`),
      fc.json(),
    );
    fc.assert(
      fc.property(yaml, fc.dictionary(names, fc.string()), (file, env) => {
        const resolved = resolve({ file, env });
        if (resolved.is === 'faults') expect(resolved.faults.every((fault) => !fault.includes('\n'))).toBe(true);
      }),
    );
  });
});
