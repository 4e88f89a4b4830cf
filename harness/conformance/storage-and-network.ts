/** Random claims and Services. */
import fc from 'fast-check';
import { type Kind, mostly, oneOf, record, sparse } from './parts.ts';

export const STORAGE_AND_NETWORK: readonly Kind[] = [
  {
    plural: 'persistentvolumeclaims',
    root: '/api/v1',
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    isNamespaced: true,
    hasStatus: true,
    body: record({
      spec: sparse({
        storageClassName: oneOf('fast', ''),
        volumeName: oneOf('pv'),
        resources: oneOf({ requests: { storage: '1024Mi' } }, { requests: { storage: '1.5Gi' } }),
      }).map((spec) => ({
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        ...spec,
      })),
    }),
    patch: sparse({ metadata: oneOf({ labels: { app: 'b' } }, { finalizers: null }) }),
    status: oneOf({ phase: 'Bound', capacity: { storage: '1Gi' } }, { phase: 'Lost' }),
  },
  {
    plural: 'services',
    root: '/api/v1',
    apiVersion: 'v1',
    kind: 'Service',
    isNamespaced: true,
    hasStatus: false,
    // Two ports with the same number differ by their protocol: the list has two keys.
    body: record({
      spec: sparse({
        ports: fc.uniqueArray(
          record({
            port: oneOf(53, 80),
            protocol: oneOf('TCP', 'UDP'),
            targetPort: mostly([8080, 'http'] as (string | number)[], 0),
          }).map((port) => ({ ...port, name: `p${port.port}-${port.protocol.toLowerCase()}` })),
          { selector: ({ name }) => name, minLength: 1, maxLength: 3 },
        ),
      }).map((spec) => ({
        clusterIP: 'None',
        selector: { app: 'a' },
        ports: [{ port: 80 }],
        ...spec,
      })),
    }),
    patch: sparse({
      spec: oneOf(
        { ports: [{ port: 53, protocol: 'UDP', name: 'dns' }] },
        { selector: { app: 'b' } },
        { publishNotReadyAddresses: true },
      ),
    }),
    status: oneOf({}),
  },
];
