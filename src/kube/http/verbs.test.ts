import { describe, expect, it } from 'vitest';
import { verbOf } from './verbs.ts';

describe('`verbOf()`', () => {
  it.each([
    ['GET', '/api/v1/nodes', 'list'],
    ['GET', '/api/v1/nodes/n', 'get'],
    ['GET', '/api/v1/namespaces', 'list'],
    ['GET', '/api/v1/namespaces/a', 'get'],
    ['GET', '/api/v1/namespaces/a/pods', 'list'],
    ['GET', '/api/v1/namespaces/a/pods/p', 'get'],
    ['GET', '/api/v1/namespaces/a/status', 'get'],
    ['GET', '/apis/apps/v1/replicasets', 'list'],
    ['GET', '/apis/apps/v1/namespaces/a/replicasets/r/scale', 'get'],
    ['GET', '/apis/apps/v1', 'get'],
    ['GET', '/version', 'get'],
    ['POST', '/api/v1/namespaces/a/pods', 'create'],
    ['POST', '/api/v1/namespaces/a/pods/p/eviction', 'evict'],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/a/leases/l', 'update'],
    ['PATCH', '/api/v1/nodes/n/status', 'patch'],
    ['DELETE', '/api/v1/namespaces/a/pods/p', 'delete'],
    ['DELETE', '/api/v1/namespaces/a/pods', 'deletecollection'],
  ] as const)('calls %s %s a %s', (method, path, verb) => {
    expect(verbOf(method, path)).toBe(verb);
  });
});
