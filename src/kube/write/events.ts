/** Recorded events as objects of events.k8s.io/v1. */
import { apiVersionOf, type Resource } from '../../core/resources.ts';
import { clip } from '../../core/text.ts';
import { rfc3339Micro } from '../../core/timestamps.ts';
import type { EventSink, RecordedEvent } from '../../runtime/recorder.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';

export const EVENT: Resource<object> = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

/** The API server's limits (kubernetes `pkg/apis/core/validation/events.go`), in bytes; the limit of a note is `MAX_TEXT_BYTES`. */
const MAX_INSTANCE_BYTES = 128;
const MAX_NAME_LENGTH = 253;

export interface EventSinkOptions {
  readonly client: ApiClient;
  /** The part of this program that records the Event; `kubectl describe` shows `maintenance-bridge.io/<controller>` under From. */
  readonly controller: string;
  /** Identity of this process. */
  readonly instance: string;
}

/** Sends Events, and returns for each whether it already existed. */
export interface ApiEventSink extends EventSink {
  send(recorded: RecordedEvent): Promise<'created' | 'known'>;
}

export function makeEventSink({ client, controller, instance }: EventSinkOptions): ApiEventSink {
  return {
    async send(recorded) {
      const namespace = namespaceOf(recorded);
      const body = eventOf(recorded, controller, instance);
      try {
        await client.request({
          method: 'POST',
          path: pathOf(EVENT, { namespace }),
          body,
          timeoutMs: 10_000,
          retry: 'never',
        });
        return 'created';
      } catch (error) {
        // Only we use this name: an earlier attempt got through and only its answer was lost, or another process has recorded the Event.
        if (!isKubeError(error, 'AlreadyExists')) throw error;
        return 'known';
      }
    },
    isTransient: (error) =>
      isKubeError(error, 'TooManyRequests', 'ServerError', 'Unreachable', 'TimedOut', 'Malformed'),
  };
}

/** Events of cluster-scoped objects belong to `default`: the API server accepts them in no other namespace. */
function namespaceOf({ event }: RecordedEvent): string {
  return event.regarding.namespace ?? 'default';
}

function eventOf(recorded: RecordedEvent, controller: string, instance: string): object {
  const { event, atMs, id } = recorded;
  const { resource, namespace, name, uid } = event.regarding;
  return {
    apiVersion: apiVersionOf(EVENT),
    kind: EVENT.kind,
    metadata: { namespace: namespaceOf(recorded), name: nameOf(name, id) },
    eventTime: rfc3339Micro(atMs),
    reportingController: `maintenance-bridge.io/${controller}`,
    reportingInstance: clip(instance, MAX_INSTANCE_BYTES),
    type: event.type,
    reason: event.reason,
    action: event.action,
    note: clip(event.note),
    // With the real UID, also for Nodes: `kubectl describe node` asks for events by UID and also, as kubelets write them, with the name in
    // its place (kubectl `pkg/describe/describe.go`).
    regarding: {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      ...(namespace !== undefined && { namespace }),
      name,
      uid,
    },
  };
}

/** The object's name and the id. A name that must be cut may not end in a separator, because the result would not be a DNS name. */
function nameOf(name: string, id: string): string {
  return `${name.slice(0, MAX_NAME_LENGTH - id.length - 1).replace(/[-.]+$/, '')}.${id}`;
}
