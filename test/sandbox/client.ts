/** Our own client and watches on a sandbox. */

import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { credentialsFor } from '../../harness/doubles/test-kubeconfig.ts';
import type { Sandbox } from '../../sandbox/start.ts';
import { NAMESPACE, type Namespace } from '../../src/core/objects.ts';
import { Reflector, type ReflectorOptions } from '../../src/kube/cache/reflector.ts';
import type { ApiClient } from '../../src/kube/http/api.ts';
import { makeClient } from '../../src/kube/http/client.ts';

export function clientOf({ url, ca, token }: Pick<Sandbox, 'url' | 'ca' | 'token'>): ApiClient {
  return makeClient(credentialsFor({ server: url, ca, user: { token } }), { userAgent: 'our-client/1' });
}

export interface Following extends AsyncDisposable {
  readonly names: Set<string>;
  readonly restarts: string[];
  readonly reflector: Reflector<Namespace>;
}

/** Follows the Namespaces as the product does. */
export function followNamespaces(client: ApiClient, more: Partial<ReflectorOptions<Namespace>> = {}): Following {
  const names = new Set<string>();
  const restarts: string[] = [];
  const reflector = new Reflector<Namespace>({
    client,
    resource: NAMESPACE,
    clock: Date,
    log: recordingLog(),
    onRestart: (reason) => restarts.push(reason),
    backoff: { baseMs: 10, maxMs: 50 },
    ...more,
  });
  const stop = new AbortController();
  const run = reflector.run(
    {
      replace: (objects) => {
        names.clear();
        for (const { metadata } of objects) names.add(metadata.name);
      },
      apply: (type, { metadata }) => {
        if (type === 'DELETED') names.delete(metadata.name);
        else names.add(metadata.name);
      },
    },
    stop.signal,
  );
  return {
    names,
    restarts,
    reflector,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await run;
    },
  };
}
