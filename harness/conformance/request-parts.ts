/** Parts of requests. */

export interface Step {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** @default 'application/json', or a merge patch for PATCH */
  readonly type?: string;
  readonly accept?: string;
}

export const CORE = '/api/v1/namespaces/default';
export const APPS = '/apis/apps/v1/namespaces/default';
export const POLICY = '/apis/policy/v1/namespaces/default';
export const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
export const JSON_PATCH = 'application/json-patch+json';
export const STRATEGIC = 'application/strategic-merge-patch+json';
export const APPLY = 'application/apply-patch+yaml';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
export const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

export const get = (path: string, accept?: string): Step => ({
  method: 'GET',
  path,
  ...(accept !== undefined && { accept }),
});
export const post = (path: string, body: unknown): Step => ({ method: 'POST', path, body });
export const put = (path: string, body: unknown): Step => ({ method: 'PUT', path, body });
export const patch = (path: string, body: unknown, type = 'application/merge-patch+json'): Step => ({
  method: 'PATCH',
  path,
  body,
  type,
});
export const remove = (path: string, body?: unknown): Step => ({ method: 'DELETE', path, body });

export const map = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
export const container = { name: 'app', image: 'app:1' };
export const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
export const workload = (name: string, more: object = {}) => ({
  metadata: { name },
  spec: { selector: { matchLabels: { app: 'web' } }, template, ...more },
});
export const pod = (name: string, spec: object = {}, labels: object = { app: 'web' }) => ({
  metadata: { name, labels },
  spec: { serviceAccountName: 'default', containers: [container], ...spec },
});
export const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
export const budget = {
  metadata: { name: 'budget' },
  spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
};
export const onceOnly = { spec: { restartPolicy: 'Never', containers: [container] } };
export const port = (number: number, protocol: string) => ({
  name: `p${number}-${protocol.toLowerCase()}`,
  port: number,
  protocol,
});
const containerPort = 80;
/** One example of each invalid name. */
export const badPorts = ['Bad_', 'a--b', '-a', '1', 'a', 'a', 'x'.repeat(16)].map((name) => ({ name, containerPort }));
export const service = (name: string, ports: readonly object[]) => ({
  metadata: { name },
  spec: { clusterIP: 'None', selector: { app: 'web' }, ports },
});
export const claim = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
};
export const eviction = (name: string, more: object = {}) => ({
  apiVersion: 'policy/v1',
  kind: 'Eviction',
  metadata: { name },
  ...more,
});
export const definition = {
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
export const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';
