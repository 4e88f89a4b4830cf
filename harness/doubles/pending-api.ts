/** An API whose requests about Pods stay in flight until the test answers them. Needs vitest's fake timers. */
import { vi } from 'vitest';
import { KubeError } from '../../src/kube/http/errors.ts';
import { RecordingApi } from './recording-api.ts';

export interface PendingApi {
  readonly client: RecordingApi;
  /** Answers the request about the Pod, with an error if one is given, and lets its consequences happen. */
  answer(name: string, error?: unknown): Promise<void>;
  /** Names of the Pods, in the order of the requests. */
  inFlight(): readonly string[];
}

/** A request whose signal aborts fails like in the client: `Aborted`. */
export function pendingApi(): PendingApi {
  const flights = new Map<string, PromiseWithResolvers<undefined>>();
  const client = new RecordingApi(({ path, signal }) => {
    const flight = Promise.withResolvers<undefined>();
    const aborted = new KubeError({ reason: 'Aborted', code: 0, message: 'aborted' });
    signal?.addEventListener('abort', () => flight.reject(aborted));
    flights.set(path.split('/')[6] ?? '', flight);
    return flight.promise;
  });
  return {
    client,
    answer: async (name, error) => {
      const flight = flights.get(name);
      flights.delete(name);
      if (error === undefined) flight?.resolve(undefined);
      else flight?.reject(error);
      await vi.advanceTimersByTimeAsync(0);
    },
    inFlight: () => [...flights.keys()],
  };
}
