import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordingApi } from '../../../harness/doubles/recording-api.ts';
import type { RecordEvent } from '../../core/action.ts';
import { NODE, POD } from '../../core/objects.ts';
import { KubeError, type KubeErrorReason } from '../http/errors.ts';
import { makeEventSink } from './events.ts';

const event: RecordEvent = {
  do: 'recordEvent',
  regarding: { resource: NODE, name: 'worker-1', uid: 'u1' },
  type: 'Warning',
  reason: 'MaintenanceRejected',
  action: 'Reject',
  note: 'Not enough room',
};
const id = '0b0e7b6e-0000-4000-8000-000000000000';
const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

interface SentEvent {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly note: string;
  readonly regarding: object;
}

async function bodyOf(over: Partial<RecordEvent>): Promise<SentEvent> {
  const client = new RecordingApi();
  await makeEventSink({ client, controller: 'tmm', instance: 'pod-0' }).send({
    event: { ...event, ...over },
    atMs,
    id,
  });
  return client.requests[0]?.body as SentEvent;
}

describe('makeEventSink', () => {
  it('`send()` posts an Event on a Node to the namespace `default`, under the Node’s own UID', async () => {
    const client = new RecordingApi();
    await makeEventSink({ client, controller: 'tmm', instance: 'pod-0' }).send({ event, atMs, id });
    expect(client.requests).toEqual([
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/default/events',
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { namespace: 'default', name: `worker-1.${id}` },
          eventTime: '2026-01-02T03:04:05.006000Z',
          reportingController: 'maintenance-bridge.io/tmm',
          reportingInstance: 'pod-0',
          type: 'Warning',
          reason: 'MaintenanceRejected',
          action: 'Reject',
          note: 'Not enough room',
          regarding: { apiVersion: 'v1', kind: 'Node', name: 'worker-1', uid: 'u1' },
        },
        timeoutMs: 10_000,
        retry: 'never',
      },
    ]);
  });

  it('`send()` posts an Event on a Pod to its namespace', async () => {
    const body = await bodyOf({ regarding: { resource: POD, namespace: 'shop', name: 'db-0', uid: 'u2' } });
    expect(body.metadata.namespace).toBe('shop');
    expect(body.regarding).toEqual({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'db-0', uid: 'u2' });
  });

  it('`send()` cuts a note to 1 024 bytes without cutting a character', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 1500, size: 'max' }), async (note) => {
        const sent = (await bodyOf({ note })).note;
        expect(Buffer.byteLength(sent)).toBeLessThanOrEqual(1024);
        if (sent === note) return;
        expect(sent.at(-1)).toBe('…');
        const kept = sent.slice(0, -1);
        expect(note.startsWith(kept)).toBe(true);
        const next = [...note.slice(kept.length)][0] ?? '';
        expect(Buffer.byteLength(sent + next)).toBeGreaterThan(1024);
      }),
    );
  });

  it('`send()` cuts a long name so that the Event’s name is still a DNS name', async () => {
    const name = `${'a'.repeat(215)}-.${'b'.repeat(30)}`;
    const body = await bodyOf({ regarding: { resource: NODE, name, uid: 'u' } });
    expect(body.metadata.name).toBe(`${'a'.repeat(215)}.${id}`);
    expect(body.metadata.name.length).toBeLessThanOrEqual(253);
  });

  it('`send()` takes its own name as proof that an earlier attempt got through', async () => {
    const client = new RecordingApi(() => {
      throw new KubeError({ reason: 'AlreadyExists', code: 409, message: 'exists' });
    });
    await makeEventSink({ client, controller: 'tmm', instance: 'x' }).send({ event, atMs, id });
    expect(client.requests).toHaveLength(1);
  });

  it.each<[KubeErrorReason, boolean]>([
    ['ServerError', true],
    ['Unreachable', true],
    ['TooManyRequests', true],
    ['Forbidden', false],
    ['NotFound', false],
    ['Invalid', false],
  ])('`isTransient()` of %s is %s', (reason, isTransient) => {
    const sink = makeEventSink({ client: new RecordingApi(), controller: 'tmm', instance: 'x' });
    expect(sink.isTransient(new KubeError({ reason, code: 0, message: '' }))).toBe(isTransient);
  });
});
