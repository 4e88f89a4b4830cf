/** All changes of objects of some kinds, in the order in which the API server made them: by revisions of its storage. */
import { readFileSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { request } from 'node:https';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { eventually } from './wait.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Changed;
}

export interface Changed {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

export class History {
  readonly #changes: Change[] = [];
  readonly #watches: ClientRequest[] = [];
  #syncing = 0;

  /** @param paths of collections; existing objects come first, as added. */
  static async start(controlPlane: ControlPlane, paths: readonly string[]): Promise<History> {
    const history = new History();
    for (const path of paths) history.#watch(controlPlane, path);
    await eventually(() => (history.#syncing === 0 ? true : undefined), { what: 'the history to begin' });
    return history;
  }

  /** The changes so far, oldest first. All kinds of one server share their revisions. */
  changes(): readonly Change[] {
    const revision = ({ object }: Change): number => Number(object.metadata.resourceVersion);
    return this.#changes.toSorted((a, b) => revision(a) - revision(b));
  }

  /** The number of changes received, in any order. */
  get count(): number {
    return this.#changes.length;
  }

  /** The changes received after the first `count`. */
  since(count: number): readonly Change[] {
    return this.#changes.slice(count);
  }

  stop(): void {
    for (const each of this.#watches) each.destroy();
  }

  #watch({ serverUrl, caFile, adminToken }: ControlPlane, path: string): void {
    this.#syncing += 1;
    const url = new URL(`${path}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`, serverUrl);
    url.searchParams.set('allowWatchBookmarks', 'true');
    const sent = request(
      url,
      { ca: readFileSync(caFile), headers: { authorization: `Bearer ${adminToken}` } },
      (answer) => {
        let rest = '';
        answer.setEncoding('utf8');
        answer.on('error', () => undefined);
        answer.on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) this.#read(line);
        });
      },
    );
    // The connection is cut at the end.
    sent.on('error', () => undefined);
    sent.end();
    this.#watches.push(sent);
  }

  #read(line: string): void {
    const { type, object } = JSON.parse(line) as { type: string; object: Changed };
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') this.#changes.push({ type, object });
    else if (object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true') this.#syncing -= 1;
    else if (type === 'ERROR') throw new Error(`A watch of the history failed: ${line}`);
  }
}
