/** MaintenanceModes on a real API server, with the controllers of workloads: the reported status is correct, and workloads are restored. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { History } from '../../harness/history.ts';
import { Plot } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { asks, Bridges, killed } from '../../harness/programs.ts';
import { install } from '../../harness/ramen-kinds.ts';
import { find } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const MODES = '/apis/ramendr.openshift.io/v1alpha1/maintenancemodes';
const FORMER = 'maintenance-bridge.io/former-replicas';
const FINALIZER = 'maintenance-bridge.io/maintenance-mode';
const NAMESPACE = 'storage';
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const STATEFUL_SETS = `/apis/apps/v1/namespaces/${NAMESPACE}/statefulsets`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

const byName = (name: string, kind = 'Deployment'): object => ({ kind, namespace: NAMESPACE, name });
const bySelector = (group: string): object => ({
  kind: 'Deployment',
  namespace: NAMESPACE,
  selector: { matchLabels: { group } },
});
const storage = { apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'storage' };
const PROVIDERS = [
  { storageProvisioner: 'one', targetIDs: ['east'], scaleToZero: [byName('mirror'), byName('state', 'StatefulSet')] },
  { storageProvisioner: 'many', scaleToZero: [bySelector('mirrors')] },
  // The same workload by its name and by its labels: two requests for it.
  { storageProvisioner: 'first', scaleToZero: [byName('shared')] },
  { storageProvisioner: 'second', scaleToZero: [bySelector('shared')] },
  { storageProvisioner: 'missing', scaleToZero: [byName('nowhere')] },
  { storageProvisioner: 'slow', scaleToZero: [byName('slow')], timeout: '2s' },
  {
    storageProvisioner: 'asked',
    annotate: [
      {
        ...storage,
        key: 'storage.example/request',
        value: 'on',
        waitFor: { key: 'storage.example/state', value: 'off' },
      },
    ],
  },
];

interface Mode {
  readonly metadata: { readonly generation: number; readonly finalizers?: readonly string[] };
  readonly status?: {
    readonly state?: string;
    readonly observedGeneration?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
      readonly observedGeneration?: number;
    }[];
  };
}
interface Workload {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly replicas: number };
}

describeOnControlPlane('MaintenanceModes', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let plot: Plot;
  let path: string;
  const flags = (): readonly string[] => [
    '--config',
    path,
    '--enable-tmm=false',
    '--enable-capi=false',
    '--leader-elect=false',
  ];

  beforeAll(async () => {
    plot = await Plot.make(get(), NAMESPACE, 2);
    await install(get().api, [
      {
        group: 'ramendr.openshift.io',
        version: 'v1alpha1',
        kind: 'MaintenanceMode',
        plural: 'maintenancemodes',
        scope: 'Cluster',
      },
    ]);
    path = join(get().directory, 'modes.yaml');
    const config = {
      apiVersion: 'maintenance-bridge.io/v1alpha1',
      kind: 'BridgeConfiguration',
      ramen: { maintenanceMode: { enabled: true, providers: PROVIDERS } },
    };
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(config));
  });

  const deploy = async (name: string, replicas: number, labels: object = {}): Promise<void> => {
    await plot.deployment(name, replicas);
    await get().api.patch(`${DEPLOYMENTS}/${name}`, { metadata: { labels } }, 'merge');
    await plot.ready(name, replicas);
  };
  const remove = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) {
      await get().api.delete(`${DEPLOYMENTS}/${name}`);
      await noPods(name);
    }
  };
  const noPods = (app: string): Promise<true> =>
    eventually(async () => ((await plot.pods(app)).length === 0 ? true : undefined), {
      what: `the Pods of ${app} to go`,
      deadlineMs: 30_000,
    });
  const request = (name: string, storageProvisioner: string, spec: object = {}): Promise<unknown> =>
    get().api.create(MODES, {
      apiVersion: 'ramendr.openshift.io/v1alpha1',
      kind: 'MaintenanceMode',
      metadata: { name },
      spec: { storageProvisioner, targetID: 'east', modes: ['Failover'], ...spec },
    });
  const mode = (name: string): Promise<Mode | undefined> => find<Mode>(get().api, `${MODES}/${name}`);
  const says = (name: string, state: string, activated: 'True' | 'False', message = /./): Promise<Mode> =>
    eventually(
      async () => {
        const found = await mode(name);
        const condition = found?.status?.conditions?.find(({ type }) => type === 'FailoverActivated');
        const isMeant =
          found?.status?.state === state &&
          condition?.status === activated &&
          condition.observedGeneration === found.metadata.generation &&
          message.test(condition.message);
        if (isMeant) return found;
        throw new Error(`it says ${JSON.stringify(found?.status)}`);
      },
      { what: `MaintenanceMode ${name} to be ${state}, activated ${activated}`, deadlineMs: 30_000 },
    );
  const end = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) await get().api.delete(`${MODES}/${name}`);
    for (const name of names) {
      await eventually(async () => ((await mode(name)) === undefined ? true : undefined), {
        what: `MaintenanceMode ${name} to go`,
        deadlineMs: 30_000,
      });
    }
  };
  const workload = (name: string): Promise<Workload> => get().api.get<Workload>(`${DEPLOYMENTS}/${name}`);
  const isRestored = async (name: string, replicas: number): Promise<void> => {
    const { spec, metadata } = await workload(name);
    expect([spec.replicas, metadata.annotations?.[FORMER]]).toEqual([replicas, undefined]);
  };

  describe('served by one process', () => {
    let bridge: Bridge;
    beforeAll(() => {
      bridge = new Bridge({ kubeconfig: get().kubeconfig, flags: flags() });
    });
    afterAll(() => bridge?.end());

    it('scales what is named to zero, says True when no Pod is left, and restores the numbers', async () => {
      await deploy('mirror', 2);
      await plot.statefulSet('state', 1);
      await plot.ready('state', 1);
      await request('named', 'one');
      const { status, metadata } = await says('named', 'Completed', 'True');
      expect(status?.observedGeneration).toBe(metadata.generation);
      expect(metadata.finalizers).toEqual([FINALIZER]);
      expect([...(await plot.pods('mirror')), ...(await plot.pods('state'))]).toEqual([]);
      expect((await workload('mirror')).metadata.annotations?.[FORMER]).toBe('2');
      await end('named');
      await isRestored('mirror', 2);
      expect(await get().api.get(`${STATEFUL_SETS}/state`)).toMatchObject({ spec: { replicas: 1 } });
      await plot.ready('mirror', 2);
      await remove('mirror');
      await get().api.delete(`${STATEFUL_SETS}/state`);
    });

    it('scales all that a selector finds, one that comes later too, and restores each', async () => {
      await deploy('mirror-a', 1, { group: 'mirrors' });
      await deploy('mirror-b', 2, { group: 'mirrors' });
      await deploy('bystander', 1);
      await request('selected', 'many', { targetID: 'anything' });
      await says('selected', 'Completed', 'True');
      expect((await workload('bystander')).spec.replicas).toBe(1);
      await plot.deployment('mirror-c', 1);
      await get().api.patch(`${DEPLOYMENTS}/mirror-c`, { metadata: { labels: { group: 'mirrors' } } }, 'merge');
      await noPods('mirror-c');
      await says('selected', 'Completed', 'True');
      await end('selected');
      await isRestored('mirror-a', 1);
      await isRestored('mirror-b', 2);
      await isRestored('mirror-c', 1);
      await remove('mirror-a', 'mirror-b', 'mirror-c', 'bystander');
    });

    it('waits for a Pod that does not end, says so after its time, and goes on when it has ended', async () => {
      await deploy('slow', 1);
      const [pod] = await plot.pods('slow');
      await plot.holdTermination(pod?.metadata.name ?? '');
      await request('slow', 'slow');
      await says('slow', 'Error', 'False', /Waiting for 1 Pods to end, for longer than 2s/);
      await plot.holdTermination(pod?.metadata.name ?? '', false);
      await says('slow', 'Completed', 'True');
      await end('slow');
      await isRestored('slow', 1);
      await remove('slow');
    });

    it('takes True back first where the same request is changed, and where it ends by having no modes', async () => {
      await deploy('mirror', 1);
      await plot.statefulSet('state', 1);
      await request('again', 'one');
      await says('again', 'Completed', 'True');
      const history = await History.start(get(), [MODES, DEPLOYMENTS, PODS]);
      await get().api.patch(`${MODES}/again`, { spec: { modes: [] } }, 'merge');
      await eventually(async () => ((await mode('again'))?.metadata.finalizers === undefined ? true : undefined), {
        what: 'the finalizer to go',
        deadlineMs: 20_000,
      });
      await isRestored('mirror', 1);
      await plot.ready('mirror', 1);
      await get().api.patch(`${MODES}/again`, { spec: { modes: ['Failover'] } }, 'merge');
      await says('again', 'Completed', 'True');
      judge(history, 'mirror');
      history.stop();
      await end('again');
      await remove('mirror');
      await get().api.delete(`${STATEFUL_SETS}/state`);
    });

    it('restores a workload of two requests after the last of them, and not before', async () => {
      await deploy('shared', 3, { group: 'shared' });
      await request('first', 'first');
      await says('first', 'Completed', 'True');
      await request('second', 'second');
      await says('second', 'Completed', 'True');
      const history = await History.start(get(), [DEPLOYMENTS]);
      await end('first');
      await says('second', 'Completed', 'True');
      expect((await workload('shared')).spec.replicas).toBe(0);
      // And vice versa: the remaining one found the workload at zero.
      await request('first', 'first');
      await says('first', 'Completed', 'True');
      await end('second');
      expect((await workload('shared')).spec.replicas).toBe(0);
      await end('first');
      await isRestored('shared', 3);
      expect(countsOf(history, 'shared')).toEqual([0, 3]);
      history.stop();
      await remove('shared');
    });

    it('keeps a workload with a HorizontalPodAutoscaler at zero, and gives it back to it', async () => {
      await deploy('shared', 2, { group: 'shared' });
      await get().api.create(`/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`, {
        metadata: { name: 'shared' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shared' },
          minReplicas: 3,
          maxReplicas: 5,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          ],
        },
      });
      // It scales up a workload with too few replicas, without any metrics.
      await plot.ready('shared', 3, undefined, 60_000);
      await request('scaled', 'first');
      await says('scaled', 'Completed', 'True');
      const isDisabled = async (): Promise<true | undefined> => {
        const { status } = await get().api.get<Mode>(
          `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers/shared`,
        );
        return status?.conditions?.some(({ type, reason }) => type === 'ScalingActive' && reason === 'ScalingDisabled')
          ? true
          : undefined;
      };
      await eventually(isDisabled, { what: 'the autoscaler to have looked at it', deadlineMs: 40_000 });
      await says('scaled', 'Completed', 'True');
      expect((await workload('shared')).spec.replicas).toBe(0);
      await end('scaled');
      await isRestored('shared', 3);
      await get().api.delete(`/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers/shared`);
      await remove('shared');
    });

    it('scales down again what somebody scales up, taking True back, and restores what they asked for', async () => {
      await deploy('shared', 1, { group: 'shared' });
      await request('fought', 'first');
      await says('fought', 'Completed', 'True');
      const history = await History.start(get(), [MODES, DEPLOYMENTS, PODS]);
      await get().api.patch(`${DEPLOYMENTS}/shared`, { spec: { replicas: 4 } }, 'merge');
      await eventually(async () => ((await workload('shared')).spec.replicas === 0 ? true : undefined), {
        what: 'it to be scaled down again',
        deadlineMs: 20_000,
      });
      await says('fought', 'Completed', 'True');
      const wasTakenBack = history
        .changes()
        .some(({ object }) => object.metadata.name === 'fought' && isActivated(object) === 'False');
      expect(wasTakenBack).toBe(true);
      history.stop();
      await end('fought');
      await isRestored('shared', 4);
      await remove('shared');
    });

    it('counts Pods of a workload that is deleted meanwhile, and then goes on without it', async () => {
      await deploy('shared', 1, { group: 'shared' });
      const [pod] = await plot.pods('shared');
      await plot.holdTermination(pod?.metadata.name ?? '');
      await request('deleted', 'first');
      await says('deleted', 'Progressing', 'False', /Waiting for the Pods/);
      await get().api.delete(`${DEPLOYMENTS}/shared`, { propagationPolicy: 'Background' });
      await eventually(
        async () => ((await find(get().api, `${DEPLOYMENTS}/shared`)) === undefined ? true : undefined),
        {
          what: 'the Deployment to go',
        },
      );
      // Its Pod is still there, so nothing is reported.
      const before = (await plot.pods('shared')).length;
      await says('deleted', 'Progressing', 'False');
      expect(before).toBe(1);
      await plot.holdTermination(pod?.metadata.name ?? '', false);
      await says('deleted', 'Completed', 'True');
      await end('deleted');
    });

    it('is an Error for a workload that was never there, and for a mode that nobody knows; then it is tried again', async () => {
      await request('missing', 'missing');
      await says('missing', 'Error', 'False', /there is no Deployment storage\/nowhere/);
      await deploy('nowhere', 1);
      await says('missing', 'Completed', 'True');
      await end('missing');
      await isRestored('nowhere', 1);
      await request('unknown', 'missing', { modes: ['Failover', 'Relocate'] });
      const { status } = await says('unknown', 'Error', 'False', /unknown mode Relocate; known is Failover/);
      expect(status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
        'FailoverActivated False',
        'RelocateActivated False',
      ]);
      expect((await workload('nowhere')).spec.replicas).toBe(1);
      await end('unknown');
      await remove('nowhere');
    });

    it('says not a word of another provisioner or target', async () => {
      await request('theirs', 'one', { targetID: 'west' });
      await request('others', 'nobody');
      await request('probe', 'missing');
      // Ours has been answered, so the others have been processed.
      await says('probe', 'Error', 'False');
      for (const name of ['theirs', 'others']) {
        const found = await mode(name);
        expect([found?.status, found?.metadata.finalizers]).toEqual([undefined, undefined]);
      }
      await end('theirs', 'others', 'probe');
    });

    it('sets an annotation, waits for the marker, and takes the annotation off at the end', async () => {
      await get().api.create(CONFIG_MAPS, { metadata: { name: 'storage', annotations: { 'theirs.example/x': 'y' } } });
      await request('annotates', 'asked');
      await says('annotates', 'Progressing', 'False', /Waiting/);
      const annotations = async (): Promise<object | undefined> =>
        (await get().api.get<Workload>(`${CONFIG_MAPS}/storage`)).metadata.annotations;
      expect(await annotations()).toEqual({ 'theirs.example/x': 'y', 'storage.example/request': 'on' });
      const marker = (value: string | null) => ({ metadata: { annotations: { 'storage.example/state': value } } });
      await get().api.patch(`${CONFIG_MAPS}/storage`, marker('off'), 'merge');
      await says('annotates', 'Completed', 'True');
      // This is no longer the case.
      await get().api.patch(`${CONFIG_MAPS}/storage`, marker(null), 'merge');
      await says('annotates', 'Progressing', 'False');
      await get().api.patch(`${CONFIG_MAPS}/storage`, marker('off'), 'merge');
      await says('annotates', 'Completed', 'True');
      await end('annotates');
      expect(await annotations()).toEqual({ 'theirs.example/x': 'y', 'storage.example/state': 'off' });
    });
  });

  describe('killed after a write, whichever, and started again', () => {
    const bridges = new Bridges(get);
    let history: History | undefined;
    afterEach(() => history?.stop());
    const WRITES = asks('PATCH', /\/(maintenancemodes|deployments)\//);

    // Announce, hold, scale down, complete; waiting is written only if Pods take a while.
    it.each([1, 2, 3, 4])(
      'after write %i of a request: True only without Pods, and the number restored once',
      async (nth) => {
        await deploy('shared', 2, { group: 'shared' });
        history = await History.start(get(), [MODES, DEPLOYMENTS, PODS]);
        const first = bridges.startBehindRelay(flags());
        let seen = 0;
        bridges.relay.carriedOut = (each) => {
          if (WRITES(each) && ++seen === nth) void first.end('SIGKILL');
        };
        await request('crash', 'first');
        await killed(first);
        bridges.start(flags());
        await says('crash', 'Completed', 'True');
        await end('crash');
        await isRestored('shared', 2);
        judge(history, 'shared');
        expect(countsOf(history, 'shared')).toEqual([2, 0, 2]);
        await remove('shared');
      },
    );

    it.each([1, 2, 3])('after write %i of an end: False before anything is restored, and that once', async (nth) => {
      await deploy('shared', 2, { group: 'shared' });
      const first = bridges.startBehindRelay(flags());
      await request('crash', 'first');
      await says('crash', 'Completed', 'True');
      history = await History.start(get(), [MODES, DEPLOYMENTS, PODS]);
      let seen = 0;
      bridges.relay.carriedOut = (each) => {
        if (WRITES(each) && ++seen === nth) void first.end('SIGKILL');
      };
      await get().api.delete(`${MODES}/crash`);
      await killed(first);
      bridges.start(flags());
      await eventually(async () => ((await mode('crash')) === undefined ? true : undefined), {
        what: 'the MaintenanceMode to go',
        deadlineMs: 30_000,
      });
      await isRestored('shared', 2);
      judge(history, 'shared');
      expect(countsOf(history, 'shared')).toEqual([0, 2]);
      await remove('shared');
    });
  });
});

/** The requested numbers of replicas, in order. */
function countsOf(history: History, name: string): readonly number[] {
  const counts = history
    .changes()
    .filter(({ object }) => object.kind === 'Deployment' && object.metadata.name === name)
    .map(({ object }) => (object as unknown as Workload).spec.replicas);
  return counts.filter((count, index) => index === 0 || count !== counts[index - 1]);
}

function isActivated(object: object): string | undefined {
  return (object as Mode).status?.conditions?.find(({ type }) => type === 'FailoverActivated')?.status;
}

/**
 * At each revision of the storage: the status never becomes True while a Pod exists or is requested, and is never True while we
 * scale the workload up.
 */
function judge(history: History, app: string): void {
  const pods = new Set<string>();
  let replicas = 0;
  const said = new Map<string, string | undefined>();
  for (const { type, object } of history.changes()) {
    const { name, labels } = object.metadata;
    if (object.kind === 'Pod' && labels?.app === app) {
      if (type === 'DELETED') pods.delete(name);
      else pods.add(name);
    }
    if (object.kind === 'Deployment' && name === app) {
      const now = (object as unknown as Workload).spec.replicas;
      if (replicas === 0 && now > 0) expect([...said.values()], 'said while it is restored').not.toContain('True');
      replicas = now;
    }
    if (object.kind === 'MaintenanceMode') {
      const now = type === 'DELETED' ? undefined : isActivated(object);
      if (now === 'True' && said.get(name) !== 'True')
        expect([replicas, [...pods]], 'when True is said').toEqual([0, []]);
      said.set(name, now);
    }
  }
}
