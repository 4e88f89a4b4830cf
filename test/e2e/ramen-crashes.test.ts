/**
 * The Ramen bridge killed after each of its writes, on the hub and on the cluster: the first process dies after its first write, the
 * second one after its second, until one reaches the end. No earlier object is lost, none of ours is left behind, and no view says "not
 * found" about an existing object.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { FaultProxy } from '../../harness/fault-proxy.ts';
import { History } from '../../harness/history.ts';
import type { Bridge } from '../../harness/program.ts';
import { RamenHub } from '../../harness/ramen.ts';
import { installCluster, installHub } from '../../harness/ramen-kinds.ts';
import { conditionOf, saysAbsent, viewsPath, worksPath } from '../../harness/ramen-objects.ts';
import { Relay } from '../../harness/relay.ts';
import { find } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const ROLES = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const SECRETS = '/api/v1/namespaces/default/secrets';
const OWNED_BY = 'maintenance-bridge.io/owned-by';

interface ConfigMap {
  readonly metadata: { readonly uid: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
}

const map = (name: string, data: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const role = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'brought' },
  rules: [],
};

describeOnControlPlane('the Ramen bridge, killed after each write', {}, (get) => {
  let east: ControlPlane;
  let ramen: RamenHub;
  let relay: Relay;
  let proxy: FaultProxy;
  let views: History;
  let writes = 0;
  let deaths = 0;
  let last = '';

  beforeAll(async () => {
    east = await startControlPlane();
    await Promise.all([installHub(get()), installCluster(east)]);
    [relay, proxy] = await Promise.all([Relay.start(get()), FaultProxy.start(east)]);
    ramen = new RamenHub(get(), { east });
    await ramen.register({ east: proxy.kubeconfig() });
    views = await History.start(get(), [viewsPath('east')]);
  });
  afterAll(async () => {
    views?.stop();
    await ramen?.bridge?.end('SIGKILL');
    await Promise.all([relay?.close(), proxy?.close(), east?.stop()]);
  });

  /** Runs one process after another, and kills the nth after its nth write, until the condition holds. */
  const throughCrashes = async (isSo: () => Promise<boolean>, what: string): Promise<void> => {
    for (let process = 1; ; process += 1) {
      expect(process, `processes that it took until ${what}; the last write was ${last}`).toBeLessThan(30);
      let bridge: Bridge | undefined;
      let own = 0;
      const onWrite = (method: string, path: string): void => {
        if (method === 'GET' || /\/(leases|events|selfsubject\w+)\b/.test(path) || bridge === undefined) return;
        writes += 1;
        last = `${method} ${path}`;
        own += 1;
        if (own < process) return;
        deaths += 1;
        void bridge.end('SIGKILL');
        bridge = undefined;
      };
      relay.carriedOut = ({ method, path }) => onWrite(method, path);
      proxy.carriedOut = onWrite;
      const place = { namespace: 'default', name: 's3' };
      const kubeconfig = relay.kubeconfig(get().directory, get().adminToken);
      const running = ramen.start({ bridge: { copySecrets: [{ from: place, to: place }] }, kubeconfig });
      bridge = running;
      const outcome = await eventually(
        async () => (running.isRunning() ? ((await isSo()) ? ('so' as const) : undefined) : ('killed' as const)),
        { what, deadlineMs: 40_000 },
      ).catch((error: unknown) => {
        const lines = running.lines.slice(-15).map((line) => JSON.stringify(line));
        throw new Error(`${String(error)}; process ${process}, after ${last}, said\n${lines.join('\n')}`);
      });
      if (outcome === 'killed') continue;
      bridge = undefined;
      await running.end('SIGKILL');
      return;
    }
  };
  const isApplied = async (generation: number): Promise<boolean> => {
    const condition = conditionOf(await ramen.work('east', 'life'), 'Applied');
    return condition?.status === 'True' && condition.observedGeneration === generation;
  };
  const onCluster = (path: string): Promise<ConfigMap | undefined> => find<ConfigMap>(east.api, path);

  it('comes to the same end as without', async () => {
    await east.api.create(MAPS, { metadata: { name: 'before' }, data: { theirs: 'x', a: '0' } });
    await east.api.create(SECRETS, { metadata: { name: 's3' }, stringData: { key: 'old' } });
    await get().api.create(SECRETS, { metadata: { name: 's3' }, stringData: { key: 'one' } });
    const uid = (await onCluster(`${MAPS}/before`))?.metadata.uid;
    const wasKept = async (): Promise<void> => {
      const found = await onCluster(`${MAPS}/before`);
      expect([found?.metadata.uid, found?.data?.theirs, found?.metadata.annotations?.[OWNED_BY]]).toEqual([
        uid,
        'x',
        undefined,
      ]);
    };
    await ramen.createView('east', 'before', {
      version: 'v1',
      kind: 'ConfigMap',
      name: 'before',
      namespace: 'default',
    });
    await ramen.createWork('east', 'life', [map('one', { a: '1', b: '2' }), map('before', { a: '1' }), role]);
    const isShown = async (): Promise<boolean> => {
      const { status } = await ramen.view('east', 'before');
      return status?.conditions?.[0]?.status === 'True';
    };
    const isCopied = async (): Promise<boolean> =>
      (await onCluster(`${SECRETS}/s3`))?.data?.key === Buffer.from('one').toString('base64');
    await throughCrashes(
      async () => (await isApplied(1)) && (await isShown()) && (await isCopied()),
      'it is applied, shown and copied',
    );
    await wasKept();
    expect((await onCluster(`${MAPS}/one`))?.data).toEqual({ a: '1', b: '2' });
    expect(await onCluster(`${ROLES}/brought`)).toBeDefined();

    // One object is removed, one is added, one loses a field.
    await ramen.setManifests('east', 'life', [
      map('one', { a: '9' }),
      map('before', { a: '2' }),
      map('two', { c: '3' }),
    ]);
    await throughCrashes(() => isApplied(2), 'the second generation is applied');
    await wasKept();
    expect((await onCluster(`${MAPS}/before`))?.data).toEqual({ theirs: 'x', a: '2' });
    expect((await onCluster(`${MAPS}/one`))?.data).toEqual({ a: '9' });
    expect((await onCluster(`${MAPS}/two`))?.data).toEqual({ c: '3' });
    expect(await onCluster(`${ROLES}/brought`)).toBeUndefined();

    await get().api.delete(`${worksPath('east')}/life`);
    await throughCrashes(async () => (await find(get().api, `${worksPath('east')}/life`)) === undefined, 'it is gone');
    await wasKept();
    for (const path of [`${MAPS}/one`, `${MAPS}/two`]) expect(await onCluster(path), path).toBeUndefined();
    expect(await isCopied()).toBe(true);

    expect([deaths > 8, writes > 20], `${deaths} deaths, ${writes} writes`).toEqual([true, true]);
    const said = views.changes().flatMap(({ object }) => {
      const { conditions = [] } = (object.status ?? {}) as { conditions?: readonly { message: string }[] };
      return conditions.map(({ message }) => message);
    });
    expect(said.filter(saysAbsent)).toEqual([]);
  }, 600_000);
});
