import { describe, expect, it } from 'vitest';
import { RecordingApi } from '../../../harness/doubles/recording-api.ts';
import { podsBoundTo } from './bound-pods.ts';

const listed = (...uids: readonly string[]) => ({
  metadata: { resourceVersion: '7' },
  items: uids.map((uid) => ({ metadata: { uid } })),
});

describe('`podsBoundTo()`', () => {
  it('asks the API server, for the metadata of the Pods of one Node', async () => {
    const client = new RecordingApi(async () => listed('a', 'b'));
    expect(await podsBoundTo(client, 'worker-1')).toEqual(['a', 'b']);
    expect(client.requests).toEqual([
      {
        method: 'GET',
        path: '/api/v1/pods',
        query: { fieldSelector: 'spec.nodeName=worker-1' },
        metadataOnly: true,
      },
    ]);
  });

  it('takes nothing for an empty list that is none', async () => {
    const client = new RecordingApi(async () => ({ kind: 'Status' }));
    await expect(podsBoundTo(client, 'worker-1')).rejects.toThrow('The list has no resourceVersion');
  });
});
