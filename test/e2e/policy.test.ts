/**
 * The chart's admission policies on a real API server: every write of the program passes, and any other write that its token allows
 * is denied with a message that names the field.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationIn, type Manifest, render } from '../../harness/chart.ts';
import { workloadClusterRules } from '../../harness/chart-rights.ts';
import { type Attempt, forbiddenWrites, HOOK, MACHINE, prefixed } from '../../harness/forbidden-writes.ts';
import { Grants, rightsIn } from '../../harness/grants.ts';
import { type Metal3, Rack, REBOOT, startMetal3 } from '../../harness/metal3.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { makeRest, type Rest, RestError } from '../../harness/rest.ts';
import { addSelfManagedMachine } from '../../harness/self-managed.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { CHART_TOOLS, ensureTools, lackingTools } from '../../harness/tools/tools.ts';
import { eventually } from '../../harness/wait.ts';
import { allowedKeys, policiesIn } from '../chart/policies.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
const OWN = 'bridge';
const ACCOUNT = { namespace: OWN, name: 'maintenance-bridge' };
const USER = `system:serviceaccount:${OWN}:${ACCOUNT.name}`;
const OUR = 'maintenance-bridge.io';
const MARKER = `${OUR}/tmm-rejection`;
const VALUES = {
  fullnameOverride: ACCOUNT.name,
  namespaceOverride: OWN,
  admissionPolicy: { enabled: true },
  features: { metal3: { enabled: true } },
  config: {
    tmm: { cordon: 'always', unmanagedPods: 'recreate', admissionTimeout: '3s' },
    // Timers and early approvals are written on Machines only with these settings.
    capi: { hookTimeout: '1h', staleApprovals: 'ignore' },
  },
};
const HOOK_KEY = `${HOOK}/maintenance-controller`;
const SKIP = 'cluster.x-k8s.io/skip-remediation';
const APPLIED = /^(ServiceAccount|(Cluster)?Role(Binding)?|ValidatingAdmissionPolicy(Binding)?)$/;

const ATTEMPTS = forbiddenWrites(OWN);

interface Policy {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: { readonly observedGeneration?: number; readonly typeChecking?: object };
}

describeOnControlPlane(
  'the admission policies of the chart',
  OPTIONS,
  (get) => {
    let bridge: Bridge;
    let metal3: Metal3;
    let plot: Plot;
    let rack: Rack;
    /** With the program's own token. */
    let token: Rest;
    let manifests: readonly Manifest[];

    beforeAll(async () => {
      metal3 = await startMetal3(get());
      rack = new Rack(get(), 'metal');
      const owner = { namespace: OWN, name: 'workload' };
      await addSelfManagedMachine(get(), rack, 'machine-1', owner);
      await new Grants(get(), owner, rightsIn(await workloadClusterRules())).grant(() => true);
      plot = await Plot.make(get(), 'policy', 2);
      await plot.bare('tool', { nodeName: plot.home });
      await plot.ready('tool', 1);

      manifests = await render((await ensureTools(CHART_TOOLS)).helm, { values: VALUES });
      const items = manifests.filter(({ kind }) => APPLIED.test(kind));
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      const applied = await get().kubectl(['apply', '--filename=-'], { input });
      expect(applied).toMatchObject({ code: 0, stderr: '' });
      token = makeRest({ server: get().serverUrl, ca: await readFile(get().caFile, 'utf8'), token: await newToken() });
    });
    afterAll(async () => {
      await bridge?.end();
      await metal3?.stop();
      token?.close();
      await removePlots();
    });

    const newToken = async (): Promise<string> => {
      const path = `/api/v1/namespaces/${OWN}/serviceaccounts/${ACCOUNT.name}/token`;
      return (await get().api.create<{ status: { token: string } }>(path, { spec: {} })).status.token;
    };
    const policies = (): Promise<readonly Policy[]> =>
      get().api.list('/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies');
    const labelMachine = (labels: Readonly<Record<string, string | null>>): Promise<unknown> =>
      get().api.patch(MACHINE, { metadata: { labels: prefixed(labels) } }, 'merge');
    const labelNode = (labels: Readonly<Record<string, string | null>>): Promise<unknown> =>
      get().api.patch('/api/v1/nodes/machine-1', { metadata: { labels: prefixed(labels) } }, 'merge');
    const isTold = (label: string): Promise<true> =>
      eventually(
        async () => {
          const { metadata } = await get().api.get<{ metadata: { labels?: object } }>('/api/v1/nodes/machine-1');
          return Object.keys(prefixed({ [label]: null })).every((key) => key in (metadata.labels ?? {})) || undefined;
        },
        { what: `the Node to be told ${label}` },
      );
    const isMarked = (key: string, is = true): Promise<true> =>
      eventually(async () => key in (await rack.annotations('machine', 'machine-1')) === is || undefined, {
        what: `the Machine ${is ? 'to have' : 'to have lost'} ${key}`,
      });

    it('are well typed, as the API server judges it', async () => {
      const wanted = policiesIn(manifests).map(({ metadata }) => metadata.name);
      const judged = await eventually(
        async () => {
          const all = await policies();
          return all.every(({ metadata, status }) => status?.observedGeneration === metadata.generation)
            ? all
            : undefined;
        },
        { what: 'the policies to be judged', deadlineMs: 30_000 },
      );
      expect(judged.map(({ metadata }) => metadata.name).sort()).toEqual(wanted.toSorted());
      expect(judged.map(({ status }) => status?.typeChecking)).toEqual(judged.map(() => ({})));
    });

    it('would not be, were a field misspelt', async () => {
      const restored = policiesIn(manifests).find(({ metadata: { name } }) => /restored/.test(name));
      const misspelt = JSON.stringify(restored).replaceAll('spec.?nodeName', 'spec.?nodName');
      const policy = { ...(JSON.parse(misspelt) as Manifest), metadata: { name: 'misspelt' } };
      await get().api.create('/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', policy);
      const found = await eventually(
        async () =>
          (await policies()).find(({ metadata, status }) => metadata.name === 'misspelt' && status?.typeChecking),
        { what: 'the policy to be judged' },
      );
      expect(JSON.stringify(found.status)).toContain("undefined field 'nodName'");
    });

    const send = (rest: Rest, { path, body, kind = 'merge' }: Attempt, query = {}): Promise<unknown> => {
      if (kind === 'create') return rest.create(path, body, query);
      if (kind === 'delete') return rest.delete(path, { ...body, ...('dryRun' in query && { dryRun: ['All'] }) });
      return rest.patch(path, body, kind, query);
    };
    const answer = async (rest: Rest, attempt: Attempt, query = {}): Promise<RestError | undefined> => {
      try {
        await send(rest, attempt, query);
        return undefined;
      } catch (error) {
        if (error instanceof RestError) return error;
        throw error;
      }
    };

    describe('with the token of the program, by hand', () => {
      beforeAll(async () => {
        await labelMachine({ enabled: 'true' });
        await get().api.create(`/api/v1/namespaces/${OWN}/secrets`, { metadata: { name: 'theirs' } });
        // The API server loads policies by a watch.
        for (const suffix of new Set(ATTEMPTS.map((attempt) => attempt.suffix))) {
          const first = ATTEMPTS.find((attempt) => attempt.suffix === suffix);
          if (first === undefined) continue;
          await eventually(async () => (await answer(token, first, { dryRun: 'All' })) !== undefined || undefined, {
            what: `the policy ${suffix} to be at work`,
          });
        }
      });

      it.each(ATTEMPTS)('deny $what, and say so', async (attempt) => {
        const denied = await answer(token, attempt);
        const name = `${ACCOUNT.name}-${attempt.suffix}`;
        expect(denied?.message).toContain(`ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request`);
        expect(denied?.message).toContain(attempt.says);
        expect(denied?.code).toBe(403);
      });

      it.each(ATTEMPTS)('leave $what to others', async (attempt) => {
        expect(await answer(get().api, attempt, { dryRun: 'All' })).toBeUndefined();
      });

      it('leave evictions, Leases and Events alone', async () => {
        const dryRun = { dryRun: 'All' };
        const eviction = {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: 'tool' },
          deleteOptions: { dryRun: ['All'] },
        };
        await token.create('/api/v1/namespaces/policy/pods/tool/eviction', eviction, dryRun);
        const leases = `/apis/coordination.k8s.io/v1/namespaces/${OWN}/leases`;
        await token.create(leases, { metadata: { name: 'some' }, spec: {} }, dryRun);
        await token.create(
          '/apis/events.k8s.io/v1/namespaces/default/events',
          {
            metadata: { name: 'some' },
            eventTime: new Date().toISOString().replace('Z', '000Z'),
            type: 'Normal',
            reason: 'Test',
            action: 'Test',
            regarding: { kind: 'Node', name: 'policy-a' },
            reportingController: 'test',
            reportingInstance: 'test',
          },
          dryRun,
        );
      });
    });

    describe('while the program works', () => {
      beforeAll(async () => {
        const config = join(get().directory, 'bridge.yaml');
        await writeFile(config, configurationIn(manifests));
        const kubeconfig = await get().kubeconfigFor(ACCOUNT);
        bridge = new Bridge({ kubeconfig, flags: [`--config=${config}`], env: { POD_NAMESPACE: OWN } });
        await bridge.leads();
      });

      it('let a drain with cordon and a Pod without a controller come and go', async () => {
        await plot.taint();
        await plot.phase('InMaintenance');
        expect((await plot.node()).spec.unschedulable).toBe(true);
        await plot.untaint();
        await plot.phase('none');
        await plot.ready('tool', 1);
      });

      it('let a rejection come and go, under a key of an earlier configuration too', async () => {
        await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
        await plot.budget('web', { maxUnavailable: 0 });
        const [pod] = await plot.pods('web');
        const marker = { node: plot.home, session: 'x', annotation: 'example.com/old', reason: 'GenericFailure' };
        const annotations = {
          [MARKER]: JSON.stringify(marker),
          'example.com/old': marker.reason,
          'example.com/old-message': 'why',
        };
        await get().api.patch('/api/v1/namespaces/policy/pods/tool', { metadata: { annotations } }, 'merge');
        const told = async (name: string): Promise<readonly string[]> => {
          const found = (await plot.pods()).find(({ metadata }) => metadata.name === name);
          return Object.keys(found?.metadata.annotations ?? {}).sort();
        };
        await plot.taint();
        await plot.phase('Rejected');
        const name = pod?.metadata.name ?? '';
        await eventually(async () => (await told(name)).includes('emm-failure-message') || undefined, {
          what: 'the Pod to be told',
        });
        await plot.untaint();
        await plot.phase('none');
        // The annotations are removed in the background, and do not block the Node.
        await eventually(
          async () => {
            expect([await told(name), await told('tool')]).toEqual([[], []]);
            return true;
          },
          { what: 'the marks to be gone' },
        );
      });

      it('let a Machine be guarded, approved, switched off and on, and released', async () => {
        await labelMachine({ maintenance: 'requested' });
        await isMarked(HOOK_KEY);
        await isTold('machine-maintenance');
        await labelNode({ 'approve-maintenance': 'true' });
        await rack.isOn('machine-1', false);
        await isMarked(SKIP);
        await labelMachine({ maintenance: null });
        await rack.isOn('machine-1', true);
        expect(await rack.annotations('host', 'machine-1')).not.toHaveProperty([REBOOT]);
        await labelMachine({ enabled: null });
        await rack.isClean('machine-1');
      });

      it('let early approvals be remembered, and a deletion be held for a while and approved', async () => {
        await rack.patchMachine('machine-1', { finalizers: ['example.com/stay'] });
        await labelNode({ 'approve-maintenance': 'true', 'approve-deletion': 'true' });
        await labelMachine({ enabled: 'true', maintenance: 'requested' });
        await isMarked(`${OUR}/stale-approve-maintenance`);
        await labelMachine({ maintenance: null });
        await isMarked(`${OUR}/stale-approve-maintenance`, false);

        await rack.deleteMachine('machine-1');
        await isMarked(`${OUR}/stale-approve-deletion`);
        await isMarked(`${OUR}/hook-timer`);
        await labelNode({ 'approve-deletion': null });
        await isMarked(`${OUR}/stale-approve-deletion`, false);
        await isMarked(HOOK_KEY);
        await labelNode({ 'approve-deletion': 'true' });
        await rack.isClean('machine-1');
        await rack.patchMachine('machine-1', { finalizers: null });
      });

      it('deny nothing of it, and let nothing pass that is never written', async () => {
        const writes = (await get().auditEvents()).filter(
          ({ user, userAgent, verb }) =>
            user.username === USER && userAgent?.startsWith('maintenance-bridge') && verb !== 'watch',
        );
        const denied = writes.filter(({ responseStatus }) => responseStatus?.code === 403);
        expect(denied.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
        expect(bridge.lines.filter((line) => JSON.stringify(line).includes('denied request'))).toEqual([]);
        const written = writes
          .filter(({ verb }) => verb === 'patch')
          .flatMap(({ requestObject }) => keysIn(requestObject));
        const keys = allowedKeys(policiesIn(manifests));
        expect([...new Set(written)].filter((key) => !key.startsWith('example.com/')).sort()).toEqual(keys.toSorted());
      });
    });
  },
  lackingTools(CHART_TOOLS),
);

/** The keys of labels and annotations that a patch sets or removes. */
function keysIn(patch: unknown): readonly string[] {
  const { metadata } = patch as { readonly metadata?: { readonly labels?: object; readonly annotations?: object } };
  return [...Object.keys(metadata?.labels ?? {}), ...Object.keys(metadata?.annotations ?? {})];
}
