import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ALL_FILES } from './binaries.ts';
import { filesFor } from './controlplane.ts';
import { apiServerFlags, layoutIn } from './flags.ts';
import { kubeconfigText } from './kubeconfig.ts';

describe('`filesFor()`', () => {
  it('asks for etcd, the API server and kubectl at least', () => {
    expect(filesFor({})).toEqual(['etcd', 'kube-apiserver', 'kubectl']);
  });

  it('asks for kwok with its stages', () => {
    expect(filesFor({ kwok: true })).toEqual(['etcd', 'kube-apiserver', 'kubectl', 'kwok', 'kwok-stages.yaml']);
  });

  it('asks for everything that there is when every option is set', () => {
    expect(filesFor({ scheduler: true, controllerManager: true, kwok: true })).toEqual(ALL_FILES);
  });
});

describe('`apiServerFlags()`', () => {
  const flags = (controllerManager: boolean) =>
    apiServerFlags(layoutIn('/instance'), { etcd: 1, apiServer: 2 }, { controllerManager, auditLog: false });

  it('switches the plugin ServiceAccount off only where nobody makes the accounts', () => {
    expect(flags(false)).toContain('--disable-admission-plugins=TaintNodesByCondition,ServiceAccount');
    expect(flags(true)).toContain('--disable-admission-plugins=TaintNodesByCondition');
  });

  it('binds to the local machine only', () => {
    expect(flags(true)).toContain('--bind-address=127.0.0.1');
  });
});

it('`kubeconfigText()` holds everything inline', () => {
  const text = kubeconfigText({ server: 'https://127.0.0.1:1', ca: 'PEM', token: 'secret', namespace: 'bridge' });
  expect(parse(text)).toMatchObject({
    clusters: [{ cluster: { server: 'https://127.0.0.1:1', 'certificate-authority-data': 'UEVN' } }],
    users: [{ user: { token: 'secret' } }],
    contexts: [{ context: { namespace: 'bridge' } }],
  });
});
