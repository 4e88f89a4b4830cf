import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

const CLAIMS = 'persistentvolumeclaims';
const DATA = {
  metadata: { name: 'data' },
  spec: { storageClassName: 'local', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

describe('a claim that is being deleted', () => {
  let sandbox: SimulatedSandbox;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  /** A StatefulSet of one Pod with a volume of its Node, which has come up. */
  async function database(): Promise<void> {
    sandbox = new SimulatedSandbox();
    sandbox.nodes('a', 'b');
    sandbox.workload('statefulsets.apps', 'db', { replicas: 1, volumeClaimTemplates: [DATA] });
    await sandbox.ready('db', 1);
  }
  const uidOf = (): string | undefined => sandbox.get(CLAIMS, 'data-db-0', 'default')?.metadata.uid;

  it('stays while a Pod has it, and is made anew, with another volume, for the next Pod', async () => {
    await database();
    const before = uidOf();
    const [volume] = sandbox.list('persistentvolumes');
    sandbox.delete(CLAIMS, 'data-db-0', 'default');
    const going = sandbox.must(CLAIMS, 'data-db-0', 'default');
    expect([going.metadata.uid, going.metadata.deletionTimestamp !== undefined]).toEqual([before, true]);

    sandbox.delete('pods', 'db-0', 'default');
    await sandbox.until('another claim', () => (uidOf() !== undefined && uidOf() !== before ? true : undefined));
    await sandbox.ready('db', 1);
    await sandbox.until('the old volume to go with its claim', () =>
      sandbox.get('persistentvolumes', volume?.metadata.name ?? '') === undefined ? true : undefined,
    );
    expect(sandbox.list('persistentvolumes')).toHaveLength(1);
  });

  it('goes at once where only a Pod without a Node has it', async () => {
    sandbox = new SimulatedSandbox();
    sandbox.create(CLAIMS, DATA, 'default');
    sandbox.pod('waiting', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] });
    sandbox.delete(CLAIMS, 'data', 'default');
    await sandbox.until('the claim to go', () =>
      sandbox.get(CLAIMS, 'data', 'default') === undefined ? true : undefined,
    );
  });

  it('leaves its volume protected while that is bound', async () => {
    await database();
    const [volume] = sandbox.list('persistentvolumes');
    const name = volume?.metadata.name ?? '';
    sandbox.delete('persistentvolumes', name);
    expect(sandbox.get('persistentvolumes', name)?.metadata.deletionTimestamp).toBeDefined();
    sandbox.delete('statefulsets.apps', 'db', 'default');
    sandbox.delete(CLAIMS, 'data-db-0', 'default');
    await sandbox.until('the volume to go', () =>
      sandbox.get('persistentvolumes', name) === undefined ? true : undefined,
    );
  });
});
