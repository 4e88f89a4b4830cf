/**
 * Faults of the API server and the network during operation, scripted in the sandbox: Pods, Machine and host reach
 * the same state, and nothing is done twice. On a real control plane these faults cannot be scripted.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plot } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { type SandboxControlPlane, startSandboxControlPlane } from '../../harness/sandbox-cluster.ts';
import { eventually } from '../../harness/wait.ts';
import type { Fault, FaultMatch, LoggedRequest } from '../../sandbox/start.ts';
import { GROUND } from './suite.ts';

const PREFIX = 'runtime-extension-maintenance-controller.cloud.sap';
const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const CLUSTER = { namespace: 'metal', name: 'shop' };
const MACHINES = 'machines.cluster.x-k8s.io';
const HOSTS = 'baremetalhosts.metal3.io';
/** Requests of the program only. */
const OURS = 'maintenance-bridge/';
const DEADLINE_MS = 50_000;
const RANDOM_RUNS = 6;

type Disturb = (controlPlane: SandboxControlPlane) => void | Promise<void>;

const rule =
  (fault: Fault, match: FaultMatch = {}): Disturb =>
  ({ sandbox }) => {
    sandbox.faults.add({ userAgent: OURS, ...match }, fault);
  };
const cut =
  (how: 'close' | 'reset' | 'expire' | 'garbage'): Disturb =>
  ({ sandbox }) => {
    sandbox.faults.endWatches({ userAgent: OURS }, how);
  };
const WRITES = { verb: 'patch', times: 4 } as const;

const DISTURBANCES: Readonly<Record<string, Disturb>> = {
  'watches end': cut('close'),
  'watches are reset': cut('reset'),
  'watches expire': cut('expire'),
  'watches end in the middle of a line': cut('garbage'),
  'watches end, and the history is forgotten': ({ sandbox }) => {
    sandbox.faults.compact();
    sandbox.faults.endWatches({ userAgent: OURS }, 'close');
  },
  'watches end, and are refused with 410': async (controlPlane) => {
    await rule({ is: 'status', code: 410 }, { verb: 'watch', times: 4 })(controlPlane);
    await cut('close')(controlPlane);
  },
  'every write meets a conflict at first': rule({ is: 'status', code: 409 }, WRITES),
  'writes are throttled with Retry-After': rule({ is: 'status', code: 429, retryAfterSeconds: 1 }, WRITES),
  'writes are throttled without Retry-After': rule({ is: 'status', code: 429 }, WRITES),
  'evictions are throttled': rule(
    { is: 'status', code: 429, retryAfterSeconds: 1 },
    { subresource: 'eviction', times: 2 },
  ),
  'everything answers 500 for a while': rule({ is: 'status', code: 500 }, { times: 8 }),
  'everything answers 503 for a while': rule({ is: 'status', code: 503 }, { times: 8 }),
  'requests hang until their connections break': async ({ sandbox }) => {
    const end = sandbox.faults.add({ userAgent: OURS, method: 'PATCH', times: 3 }, { is: 'hang' });
    await eventually(
      () => (sandbox.requests().some(({ code, method }) => code === 0 && method === 'PATCH') ? true : undefined),
      {
        what: 'a request to hang',
      },
    );
    end();
    sandbox.faults.breakConnections();
  },
  'everything is late': rule({ is: 'late', ms: 150 }),
  'answers trickle in': rule({ is: 'slow', bytesPerSecond: 20_000 }, { times: 20 }),
  'connections are reset before requests are carried out': rule({ is: 'reset' }, { method: 'PATCH', times: 4 }),
  'connections are lost after requests were carried out': rule({ is: 'lost' }, { method: 'PATCH', times: 4 }),
  'evictions are carried out, and their answers lost': rule({ is: 'lost' }, { subresource: 'eviction', times: 2 }),
  'answers are no JSON': rule({ is: 'garbage' }, { method: 'PATCH', times: 4 }),
  'answers end in the middle': rule({ is: 'truncated' }, { times: 6 }),
  'the server restarts': async ({ sandbox }) => {
    const seen = sandbox.requests().length;
    await eventually(
      () =>
        sandbox
          .requests()
          .slice(seen)
          .some(({ path, code }) => path.endsWith('/eviction') && code === 201) || undefined,
      { what: 'the first eviction' },
    );
    await sandbox.faults.restart(200);
  },
  'the server’s clock is set back by an hour': ({ sandbox }) => sandbox.clock.step?.(-3_600_000),
  'the server’s clock is set forward by an hour': ({ sandbox }) => sandbox.clock.step?.(3_600_000),
};

const randomFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom(409, 410, 429, 500, 503).map((code): Fault => ({ is: 'status', code })),
  fc.constantFrom<Fault>(
    { is: 'reset' },
    { is: 'lost' },
    { is: 'garbage' },
    { is: 'truncated' },
    { is: 'late', ms: 300 },
    { is: 'status', code: 429, retryAfterSeconds: 1 },
  ),
);
const randomRule: fc.Arbitrary<readonly [FaultMatch, Fault]> = fc.tuple(
  fc.record({
    verb: fc.constantFrom('patch', 'create', 'get', 'list', 'watch'),
    skip: fc.nat({ max: 4 }),
    times: fc.integer({ min: 1, max: 5 }),
  }),
  randomFault,
);

describe.runIf(GROUND === 'sandbox')('the program under scripted faults', () => {
  let controlPlane: SandboxControlPlane;
  let bridge: Bridge;
  beforeAll(async () => {
    controlPlane = await startSandboxControlPlane({
      controllerManager: true,
      cluster: { clusterApi: true, metal3: true, approver: { delayMs: 50 } },
    });
    controlPlane.cluster?.addCluster(CLUSTER);
    // A cluster is recognised by its Nodes: if all were replaced during an outage, its connection would be refused. This one stays.
    await controlPlane.cluster?.addMachines(['keeper'], {
      cluster: CLUSTER,
      labels: { [`${PREFIX}/enabled`]: 'true' },
    });
    bridge = await new Bridge({
      kubeconfig: controlPlane.kubeconfig,
      flags: [
        '--enable-metal3-maintenance',
        '--leader-elect=false',
        '--tmm-max-concurrent-nodes=100',
        '--tmm-exit-timeout=20s',
      ],
    }).leads();
  });
  afterAll(async () => {
    await bridge?.end();
    await controlPlane?.stop();
  });

  /** One Node with Pods and one Machine with a host go through a whole maintenance while `disturb` is active. */
  const goThrough = async (name: string, disturb: Disturb): Promise<readonly LoggedRequest[]> => {
    const { sandbox, cluster } = controlPlane;
    const plot = await Plot.make(controlPlane, name, 2);
    await plot.runAtHome(() => plot.deployment('web', 3), 'web', 3);
    await plot.budget('web', { maxUnavailable: 1 });
    const machine = `${name}-machine`;
    const labels = { [`${PREFIX}/enabled`]: 'true' };
    await cluster?.addMachines([machine], { cluster: CLUSTER, labels, hasHost: true });
    const from = sandbox.requests().length;
    const disturbing = disturb(controlPlane);
    await Promise.all([maintainNode(plot), maintainMachine(machine)]);
    await disturbing;
    sandbox.faults.clear();
    await plot.ready('web', 3);
    await plot.remove();
    return sandbox
      .requests()
      .slice(from)
      .filter(({ userAgent }) => userAgent.startsWith(OURS));
  };

  const maintainNode = async (plot: Plot): Promise<void> => {
    await plot.taint();
    await plot.phase('InMaintenance', plot.home, DEADLINE_MS);
    expect(await plot.on(plot.home, 'web')).toEqual([]);
    await plot.untaint();
    await plot.phase('none', plot.home, DEADLINE_MS);
  };

  const maintainMachine = async (name: string): Promise<void> => {
    const at = { resource: MACHINES, namespace: CLUSTER.namespace, name };
    const { api } = controlPlane.sandbox;
    await machineIs(name, 'hooked', () => api.get(at)?.metadata.annotations?.[HOOK] !== undefined);
    api.patch(at, { metadata: { labels: { [`${PREFIX}/maintenance`]: 'requested' } } });
    await machineIs(name, 'off', () => !isOn(name));
    api.patch(at, { metadata: { labels: { [`${PREFIX}/maintenance`]: null } } });
    await machineIs(name, 'on again', () => isOn(name));
    api.delete(at);
    await machineIs(name, 'gone', () => api.get(at) === undefined);
  };
  const machineIs = (name: string, what: string, isSo: () => boolean): Promise<true> =>
    eventually(() => (isSo() ? true : undefined), { what: `Machine ${name} to be ${what}`, deadlineMs: DEADLINE_MS });
  const isOn = (name: string): boolean => {
    const host = controlPlane.sandbox.api.get({ resource: HOSTS, namespace: CLUSTER.namespace, name });
    return (host?.status as { readonly poweredOn?: boolean } | undefined)?.poweredOn === true;
  };

  it.each(Object.entries(DISTURBANCES).map(([what, disturb], index) => ({ what, disturb, name: `fault-${index}` })))(
    'comes to the right end although $what, and does nothing twice',
    async ({ name, disturb }) => {
      expect(doneTwice(await goThrough(name, disturb))).toEqual([]);
      expect(bridge.isRunning()).toBe(true);
    },
  );

  it('comes to the right end under random faults', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(randomRule, { minLength: 1, maxLength: 4 }), async (rules) => {
        run += 1;
        const requests = await goThrough(`random-${run}`, ({ sandbox }) => {
          for (const [match, fault] of rules) sandbox.faults.add({ userAgent: OURS, ...match }, fault);
        });
        expect(doneTwice(requests)).toEqual([]);
      }),
      { numRuns: RANDOM_RUNS, seed: 20_261, endOnFailure: true },
    );
  });
});

/** Pods that were evicted more than once, and Machines on which the hook was set or removed more than once. */
function doneTwice(requests: readonly LoggedRequest[]): readonly string[] {
  const carriedOut = requests.filter(({ code }) => code === 200 || code === 201);
  const acts = carriedOut.flatMap(({ path, method, body = '' }) => {
    const [place = '', query = ''] = path.split('?');
    if (query.includes('dryRun=All')) return [];
    if (method === 'POST' && place.endsWith('/eviction')) return [`evict ${place}`];
    if (method === 'PATCH' && place.includes('/machines/') && body.includes(HOOK)) {
      return [`${body.includes(`"${HOOK}":null`) ? 'unhook' : 'hook'} ${place}`];
    }
    return [];
  });
  return acts.filter((act, index) => acts.indexOf(act) !== index);
}
