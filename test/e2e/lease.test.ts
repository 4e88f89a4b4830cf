/** The Lease is renewed while other requests wait: a thousand evictions behind a slow webhook, after a verdict on as many Pods. */
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Bridge } from '../../harness/program.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { createAuthority } from '../../sandbox/certificates.ts';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/default/leases/maintenance-bridge';
const PODS = 1000;
/** One and a half times the renew deadline. */
const WATCHED_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
/** The number of connections of a client. */
const ALL_CONNECTIONS = 64;

/** An admission webhook that answers only dry runs until it is released. */
class SlowWebhook {
  readonly #server: https.Server;
  readonly #waiting = new Map<ServerResponse, string>();
  #isLetGo = false;

  private constructor(tls: { cert: string; key: string }) {
    this.#server = https.createServer(tls, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string; dryRun?: boolean } };
        const { uid, dryRun } = review.request;
        if (dryRun === true || this.#isLetGo) return this.#answer(response, uid);
        this.#waiting.set(response, uid);
        response.once('close', () => this.#waiting.delete(response));
        return undefined;
      });
    });
  }

  /** @returns the webhook, and its address for the API server. */
  static async start(): Promise<{ webhook: SlowWebhook; clientConfig: object }> {
    const authority = createAuthority();
    const webhook = new SlowWebhook(authority.issueServer('127.0.0.1'));
    await new Promise<void>((resolve) => webhook.#server.listen(0, '127.0.0.1', resolve));
    const { port } = webhook.#server.address() as AddressInfo;
    const caBundle = Buffer.from(authority.cert).toString('base64');
    return { webhook, clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle } };
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  async close(): Promise<void> {
    this.#isLetGo = true;
    for (const [response, uid] of this.#waiting) this.#answer(response, uid);
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(response: ServerResponse, uid: string): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } };
    response.end(JSON.stringify(body));
  }
}

describeOnControlPlane('The Lease', {}, (get) => {
  let webhook: SlowWebhook;
  let bridge: Bridge;

  beforeAll(async () => {
    const { api } = get();
    await get().addNodes(['home', 'away', 'elsewhere'], { allocatable: { pods: '5000', cpu: '5000' } });
    await api.create('/api/v1/namespaces', { metadata: { name: 'many' } });
    const labels = { app: 'many' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'none' }] } };
    const replicaSet = await api.create<{ metadata: { uid: string } }>('/apis/apps/v1/namespaces/many/replicasets', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'many' },
      spec: { replicas: PODS, selector: { matchLabels: labels }, template },
    });
    const { uid } = replicaSet.metadata;
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'many', uid, controller: true };
    const topologyKey = 'kubernetes.io/hostname';
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey, labelSelector: { matchLabels: { app: 'none' } } },
      ],
    };
    const names = Array.from({ length: PODS }, (_, i) => `many-${i}`).values();
    const create = async (): Promise<void> => {
      for (const name of names) {
        await api.create('/api/v1/namespaces/many/pods', {
          metadata: { name, labels: { ...labels, [`own-${name}`]: name }, ownerReferences: [owner] },
          spec: { ...template.spec, nodeName: 'home', affinity: { podAntiAffinity } },
        });
      }
    };
    await Promise.all(Array.from({ length: 16 }, create));
    const started = await SlowWebhook.start();
    webhook = started.webhook;
    await api.create('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
      metadata: { name: 'slow' },
      webhooks: [
        {
          name: 'slow.example.org',
          clientConfig: started.clientConfig,
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] }],
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          timeoutSeconds: 30,
        },
      ],
    });
  }, 600_000);
  afterAll(async () => {
    await bridge?.end('SIGKILL');
    await webhook?.close();
  });

  it('is renewed in time while a verdict is formed and a thousand evictions wait', async () => {
    const { api, kubeconfig } = get();
    bridge = await new Bridge({ kubeconfig, flags: [`--tmm-max-parallel-evictions=${PODS}`] }).leads(60_000);
    const taints = [{ key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' }];
    await api.patch('/api/v1/nodes/home', { spec: { taints } }, 'merge');
    const renewals: number[] = [];
    const look = async (): Promise<void> => {
      const { spec } = await api.get<{ spec: { renewTime: string } }>(LEASE);
      const atMs = Date.parse(spec.renewTime);
      if (renewals.at(-1) !== atMs) renewals.push(atMs);
    };
    await eventually(
      async () => {
        await look();
        return webhook.waiting >= ALL_CONNECTIONS ? true : undefined;
      },
      { what: `${ALL_CONNECTIONS} evictions to wait at the webhook`, deadlineMs: 240_000, pollMs: 250 },
    );
    const untilMs = performance.now() + WATCHED_MS;
    while (performance.now() < untilMs) {
      await look();
      await sleep(250);
    }
    const gaps = renewals.slice(1).map((atMs, index) => atMs - (renewals[index] ?? 0));
    expect(bridge.isRunning()).toBe(true);
    expect(webhook.waiting).toBeGreaterThanOrEqual(ALL_CONNECTIONS / 2);
    expect(renewals.length).toBeGreaterThan(3);
    expect(Math.max(...gaps)).toBeLessThan(RENEW_DEADLINE_MS);
  });
});
