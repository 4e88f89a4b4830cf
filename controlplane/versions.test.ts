import { describe, expect, it } from 'vitest';
import { moduleFor, newestOf } from './versions.ts';

describe('a control plane of another version', () => {
  it('takes the staging modules of Kubernetes as modules of the same release', () => {
    const goMod = `module k8s.io/kubernetes

replace (
\tk8s.io/kubectl => ./staging/src/k8s.io/kubectl
\tk8s.io/api => ./staging/src/k8s.io/api
\texample.com/other => example.com/fork v1.0.0
)
replace k8s.io/kms => ./staging/src/k8s.io/kms
`;
    expect(moduleFor('kubernetes', 'v1.33.13', goMod)).toBe(`module maintenance-bridge.io/matrix/kubernetes

go 1.26.0

tool (
\tgo.etcd.io/etcd/server/v3
\tk8s.io/kubernetes/cmd/kube-apiserver
\tk8s.io/kubernetes/cmd/kube-controller-manager
\tk8s.io/kubernetes/cmd/kube-scheduler
\tk8s.io/kubernetes/cmd/kubectl
)

require k8s.io/kubernetes v1.33.13

replace (
\tk8s.io/api => k8s.io/api v0.33.13
\tk8s.io/kms => k8s.io/kms v0.33.13
\tk8s.io/kubectl => k8s.io/kubectl v0.33.13
)
`);
  });

  it('builds the core controller of Cluster API as a package of its own since 1.14, whose API is a module of its own', () => {
    expect(moduleFor('cluster-api', 'v1.13.6', 'module sigs.k8s.io/cluster-api\n')).toContain(
      'tool (\n\tsigs.k8s.io/cluster-api\n)\n\nrequire sigs.k8s.io/cluster-api v1.13.6\n',
    );
    const goMod = 'replace sigs.k8s.io/cluster-api/api => ./api\n';
    expect(moduleFor('cluster-api', 'v1.14.2', goMod)).toBe(`module maintenance-bridge.io/matrix/cluster-api

go 1.26.0

tool (
\tsigs.k8s.io/cluster-api/core
)

require sigs.k8s.io/cluster-api v1.14.2

replace (
\tsigs.k8s.io/cluster-api/api => sigs.k8s.io/cluster-api/api v1.14.2
)
`);
  });

  it.each([
    ['1.33', 'v1.33.13'],
    ['1.33.6', 'v1.33.6'],
    ['1.3', 'v1.3.0'],
  ])('%s is the newest patch that is served: %s', (wanted, found) => {
    const served = ['v1.3.0', 'v1.33.6', 'v1.33.13', 'v1.33.14-rc.0', 'v1.34.0'];
    expect(newestOf(wanted, served)).toBe(found);
  });

  it('says so where none is served', () => {
    expect(() => newestOf('1.40', ['v1.33.6'])).toThrow('serves no version 1.40, only v1.33.6');
  });
});
