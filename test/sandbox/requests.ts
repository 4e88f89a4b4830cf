/** Requests in order, which the sandbox and a real API server must answer alike. */

export interface Step {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** @default 'application/json', or a merge patch for PATCH */
  readonly type?: string;
  readonly accept?: string;
}

const CORE = '/api/v1/namespaces/default';
const APPS = '/apis/apps/v1/namespaces/default';
const POLICY = '/apis/policy/v1/namespaces/default';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const JSON_PATCH = 'application/json-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

const get = (path: string, accept?: string): Step => ({ method: 'GET', path, ...(accept !== undefined && { accept }) });
const post = (path: string, body: unknown): Step => ({ method: 'POST', path, body });
const put = (path: string, body: unknown): Step => ({ method: 'PUT', path, body });
const patch = (path: string, body: unknown, type = 'application/merge-patch+json'): Step => ({
  method: 'PATCH',
  path,
  body,
  type,
});
const remove = (path: string, body?: unknown): Step => ({ method: 'DELETE', path, body });

const map = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more });
const container = { name: 'app', image: 'app:1' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
const workload = (name: string, more: object = {}) => ({
  metadata: { name },
  spec: { selector: { matchLabels: { app: 'web' } }, template, ...more },
});
const pod = (name: string, spec: object = {}, labels: object = { app: 'web' }) => ({
  metadata: { name, labels },
  spec: { serviceAccountName: 'default', containers: [container], ...spec },
});
const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
const budget = { metadata: { name: 'budget' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } };
const eviction = (name: string, more: object = {}) => ({
  apiVersion: 'policy/v1',
  kind: 'Eviction',
  metadata: { name },
  ...more,
});
const definition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1 },
                  color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
                  tags: { type: 'array', items: { type: 'string' } },
                },
              },
              status: { type: 'object', properties: { phase: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';

/** By what they are about; each group begins where the one before ended. */
export const REQUESTS: Readonly<Record<string, readonly Step[]>> = {
  'creating and reading': [
    post(`${CORE}/configmaps`, map('a', { data: { k: 'v' } })),
    post(`${CORE}/configmaps`, map('a')),
    post(`${CORE}/configmaps?dryRun=All`, map('dry')),
    post(`${CORE}/configmaps?dryRun=Some`, map('dry')),
    get(`${CORE}/configmaps/dry`),
    get(`${CORE}/configmaps/a`),
    get(`${CORE}/configmaps/a`, PARTIAL),
    get(`${CORE}/configmaps/a`, 'application/yaml-of-mars'),
    post(`${CORE}/configmaps`, { metadata: {} }),
    post(`${CORE}/configmaps`, map('B_')),
    post(`${CORE}/configmaps`, { metadata: { name: 1 } }),
    post(`${CORE}/configmaps`, { metadata: { name: 'x', namespace: 'other' } }),
    post(`${CORE}/configmaps`, { metadata: { name: 'x', resourceVersion: '1' } }),
    post('/api/v1/namespaces/nope/configmaps', map('x')),
    post(`${CORE}/configmaps?fieldValidation=Strict`, { metadata: { name: 'x', foo: 1 }, dta: {} }),
    post(`${CORE}/configmaps?dryRun=All`, { metadata: { name: 'n', labels: { a: null } }, data: { k: null, l: '1' } }),
    post(`${CORE}/secrets?dryRun=All`, { metadata: { name: 'n', annotations: { a: null } }, data: { k: null } }),
    post(
      `${CORE}/pods?dryRun=All`,
      pod('n', { containers: [{ ...container, resources: { requests: { cpu: null } } }] }),
    ),
    get('/api/v1/nope'),
    get('/apis/example.org/v1/things'),
    get('/nope'),
    { method: 'PUT', path: '/api/v1/namespaces/default/configmaps', body: {} },
  ],
  changing: [
    patch(`${CORE}/configmaps/a`, { data: { k: null, l: '1' } }),
    patch(`${CORE}/configmaps/a`, { data: { l: '1' } }),
    patch(`${CORE}/configmaps/a`, { metadata: { uid: 'other' } }),
    patch(`${CORE}/configmaps/a`, { metadata: { resourceVersion: '1' }, data: { m: '1' } }),
    patch(`${CORE}/configmaps/a`, { metadata: { name: 'other' } }),
    patch(`${CORE}/configmaps/nope`, {}),
    patch(`${CORE}/configmaps/a`, [{ op: 'test', path: '/data/l', value: '2' }], JSON_PATCH),
    patch(`${CORE}/configmaps/a`, [{ op: 'add', path: '/data/x~1y', value: '2' }], JSON_PATCH),
    patch(`${CORE}/configmaps/a`, [{ op: 'remove', path: '/data/nope' }], JSON_PATCH),
    patch(`${CORE}/configmaps/a`, [{ op: 'copy', from: '/data/nope', path: '/data/copied' }], JSON_PATCH),
    patch(`${CORE}/configmaps/a`, [{ op: 'copy', from: '/nope/deeper', path: '/data/copied' }], JSON_PATCH),
    patch(`${CORE}/configmaps/a`, [{ op: 'move', from: '/data/nope', path: '/data/moved' }], JSON_PATCH),
    patch(`${CORE}/configmaps/a`, { op: 'remove' }, JSON_PATCH),
    patch(`${CORE}/configmaps/a`, {}, 'application/mars'),
    patch(`${CORE}/configmaps/a`, { metadata: { labels: { 'a b': 'c d' } } }),
    patch(`${CORE}/configmaps/a`, { metadata: { annotations: { big: 'x'.repeat(262_145) } } }),
    put(`${CORE}/configmaps/a`, map('b')),
    put(`${CORE}/configmaps/a`, { metadata: { name: 'a', resourceVersion: '1' } }),
    put(`${CORE}/configmaps/a`, map('a', { data: { z: '1' } })),
    post('/apis/coordination.k8s.io/v1/namespaces/default/leases', {
      metadata: { name: 'l' },
      spec: { holderIdentity: 'x' },
    }),
    put('/apis/coordination.k8s.io/v1/namespaces/default/leases/l', {
      metadata: { name: 'l' },
      spec: { holderIdentity: 'y' },
    }),
  ],
  'server-side apply': [
    patch(`${CORE}/configmaps/s?fieldManager=one`, map('s', { data: { a: '1', b: '1' } }), APPLY),
    patch(`${CORE}/configmaps/s?fieldManager=two`, map('s', { data: { a: '2' } }), APPLY),
    patch(`${CORE}/configmaps/s?fieldManager=two`, map('s', { data: { a: '2', b: '2' } }), APPLY),
    patch(`${CORE}/configmaps/s?fieldManager=two&force=true`, map('s', { data: { a: '2' } }), APPLY),
    patch(`${CORE}/configmaps/s?fieldManager=one`, map('s', { data: { c: '1' } }), APPLY),
    patch(`${CORE}/configmaps/s?fieldManager=three`, { data: { d: '1' } }),
    patch(`${CORE}/configmaps/s?fieldManager=one`, map('s', { data: { c: '1', d: '2' } }), APPLY),
    patch(`${CORE}/configmaps/s`, map('s'), APPLY),
    patch(`${CORE}/configmaps/s?fieldManager=one`, { metadata: { name: 's' } }, APPLY),
  ],
  selecting: [
    get(`${CORE}/configmaps?labelSelector=a%3D%3D%3Db`),
    get(`${CORE}/configmaps?fieldSelector=metadata.name%3Da`),
    get(`${CORE}/configmaps?fieldSelector=foo%3Dbar`),
    get(`${CORE}/pods?fieldSelector=foo%3Dbar`),
    get(`${CORE}/configmaps?limit=x`),
    get(`${CORE}/configmaps?resourceVersion=999999999`),
    get(`${CORE}/configmaps?resourceVersionMatch=Exact`),
    get(`${CORE}/configmaps?resourceVersion=0&resourceVersionMatch=Exact`),
    get(`${CORE}/configmaps?resourceVersion=abc`),
    get(`${CORE}/configmaps?sendInitialEvents=true`),
    get(`${CORE}/configmaps?watch=1&sendInitialEvents=true&timeoutSeconds=1`),
  ],
  workloads: [
    post(`${APPS}/deployments`, workload('web', { replicas: 2 })),
    post(`${APPS}/deployments`, { metadata: { name: 'bad' }, spec: {} }),
    post(`${APPS}/deployments`, workload('bad', { replicas: -1, selector: { matchLabels: { app: 'other' } } })),
    patch(`${APPS}/deployments/web`, { spec: { selector: { matchLabels: { app: 'other' } } } }),
    patch(
      `${APPS}/deployments/web`,
      {
        spec: {
          template: {
            spec: {
              containers: [
                { name: 'app', image: 'app:2' },
                { name: 'side', image: 'side' },
              ],
            },
          },
        },
      },
      STRATEGIC,
    ),
    patch(
      `${APPS}/deployments/web`,
      { spec: { template: { spec: { containers: [{ name: 'app', $patch: 'delete' }] } } } },
      STRATEGIC,
    ),
    patch(`${APPS}/deployments/web/status`, { status: { replicas: 2 }, spec: { replicas: 9 } }),
    get(`${APPS}/deployments/web/scale`),
    patch(`${APPS}/deployments/web/scale`, { spec: { replicas: 3 } }),
    patch(`${APPS}/deployments/web`, { metadata: { labels: { a: 'b' } } }),
    post(`${APPS}/statefulsets`, workload('db')),
    patch(`${APPS}/statefulsets/db`, { spec: { serviceName: 'other' } }),
    post(`${APPS}/replicasets`, workload('set')),
    post(`${POLICY}/poddisruptionbudgets`, {
      metadata: { name: 'bad' },
      spec: { minAvailable: 1, maxUnavailable: 'x' },
    }),
    remove(`${APPS}/replicasets/set`, { propagationPolicy: 'Foreground' }),
    patch(`${APPS}/replicasets/set`, { metadata: { finalizers: ['example.com/x', 'foregroundDeletion'] } }),
    patch(`${APPS}/replicasets/set`, { metadata: { finalizers: null } }),
    get(`${APPS}/replicasets/set`),
  ],
  'nodes and namespaces': [
    post('/api/v1/nodes', { metadata: { name: 'n1' } }),
    patch('/api/v1/nodes/n1', {
      spec: { taints: [{ key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' }] },
    }),
    patch('/api/v1/nodes/n1/status', {
      metadata: { annotations: { a: 'b' } },
      spec: { unschedulable: true },
      status: { phase: 'x' },
    }),
    patch('/api/v1/nodes/n1', { spec: { unschedulable: true } }, STRATEGIC),
    get('/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue', PARTIAL.replace('Metadata', 'MetadataList')),
    post('/api/v1/namespaces', { metadata: { name: 'ns1' } }),
    remove('/api/v1/namespaces/ns1'),
    post('/api/v1/namespaces/ns1/configmaps', map('x')),
    put('/api/v1/namespaces/ns1/finalize', { metadata: { name: 'ns1' }, spec: { finalizers: [] } }),
    get('/api/v1/namespaces/ns1'),
    remove('/api/v1/namespaces/default'),
  ],
  pods: [
    post(`${CORE}/pods`, pod('p1', { nodeName: 'n1' })),
    post(
      `${CORE}/pods`,
      pod('p2', { containers: [{ ...container, resources: { limits: { cpu: '1', memory: '1Gi' } } }] }),
    ),
    post(`${CORE}/pods`, { metadata: { name: 'bad' }, spec: {} }),
    post(
      `${CORE}/pods`,
      pod('bad', { containers: [{ name: 'A_' }, container, container], tolerations: [{ operator: 'Foo' }] }),
    ),
    patch(`${CORE}/pods/p2/status`, { status: { phase: 'Running' } }),
    post(`${CORE}/pods/p2/binding`, { metadata: { name: 'p2' }, target: { kind: 'Node', name: 'n1' } }),
    post(`${CORE}/pods/p2/binding`, { metadata: { name: 'p2' }, target: { kind: 'Node', name: 'n1' } }),
    patch(`${CORE}/pods/p1`, { spec: { containers: [{ name: 'app', image: 'app:2' }] } }, STRATEGIC),
    remove(`${CORE}/pods/p1`, { preconditions: { uid: 'other' } }),
    remove(`${CORE}/pods/p1`, { propagationPolicy: 'Mars' }),
    remove(`${CORE}/pods/p1`),
    remove(`${CORE}/pods/p1`, { gracePeriodSeconds: 0 }),
    get(`${CORE}/pods/p1`),
    remove(`${CORE}/pods/p1`),
    get(`${CORE}/pods?fieldSelector=spec.nodeName%3Dn1,status.phase%3DRunning`, TABLE),
  ],
  eviction: [
    post(`${CORE}/pods`, pod('e1', { nodeName: 'n1' })),
    patch(`${CORE}/pods/e1/status`, running),
    post(`${POLICY}/poddisruptionbudgets`, budget),
    post(`${CORE}/pods/e1/eviction`, eviction('other')),
    post(`${CORE}/pods/nope/eviction`, eviction('nope')),
    post(`${CORE}/pods/e1/eviction`, eviction('e1')),
    patch(`${POLICY}/poddisruptionbudgets/budget/status`, {
      status: { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
    }),
    post(`${CORE}/pods/e1/eviction`, eviction('e1')),
    post(`${POLICY}/poddisruptionbudgets`, { ...budget, metadata: { name: 'second' } }),
    post(`${CORE}/pods/e1/eviction`, eviction('e1')),
    remove(`${POLICY}/poddisruptionbudgets/second`),
    patch(`${POLICY}/poddisruptionbudgets/budget/status`, { status: { disruptionsAllowed: 1 } }),
    post(`${CORE}/pods/e1/eviction`, eviction('e1', { deleteOptions: { preconditions: { uid: 'other' } } })),
    post(`${CORE}/pods/e1/eviction`, eviction('e1', { deleteOptions: { dryRun: ['All'] } })),
    get(`${POLICY}/poddisruptionbudgets/budget`),
    post(`${CORE}/pods/e1/eviction`, eviction('e1')),
    get(`${POLICY}/poddisruptionbudgets/budget`),
    post(`${CORE}/pods/e1/eviction`, eviction('e1')),
  ],
  events: [
    post('/apis/events.k8s.io/v1/namespaces/default/events', {
      metadata: { name: 'ev' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'c',
      reportingInstance: 'i',
      action: 'A',
      reason: 'R',
      type: 'Normal',
      note: 'hello',
      regarding: { kind: 'ConfigMap', name: 'a', namespace: 'default' },
    }),
    get(`${CORE}/events/ev`),
    get(`${CORE}/events?fieldSelector=involvedObject.name%3Da`),
  ],
  'custom resources': [
    post(DEFINITIONS, definition),
    post(WIDGETS, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'w' },
      spec: { size: 2, other: 1 },
      status: { phase: 'x' },
    }),
    post(WIDGETS, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'v' }, spec: { size: 0 } }),
    post(WIDGETS, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'v' },
      spec: { size: 1, color: 'green' },
    }),
    post(WIDGETS, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'v' }, spec: { size: 'x' } }),
    post(WIDGETS, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'v' },
      spec: { size: 1, tags: 3 },
    }),
    post(WIDGETS, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'v' }, spec: {} }),
    post(`${WIDGETS}?fieldValidation=Strict`, {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'v' },
      spec: { size: 1, other: 1 },
    }),
    patch(`${WIDGETS}/w/status`, { metadata: { labels: { a: 'b' } }, status: { phase: 'Ready' } }),
    patch(`${WIDGETS}/w`, { metadata: { labels: { a: 'b' } } }),
    patch(`${WIDGETS}/w`, { spec: { size: 3 } }),
    patch(`${WIDGETS}/w`, { spec: { size: 3 } }, STRATEGIC),
    patch(
      `${WIDGETS}/w?fieldManager=one`,
      { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 4 } },
      APPLY,
    ),
    put(`${WIDGETS}/w`, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 3 } }),
    get(WIDGETS, TABLE),
    get(`${WIDGETS}?limit=1`),
    remove(`${WIDGETS}/w`),
  ],
  reviews: [
    post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
    }),
  ],
};
