/** `dashboard`: a live page on the loopback interface, with the caller's own rights; it reads and never writes. */
import { execFile } from 'node:child_process';
import { SHOWN_KINDS } from '../app/features.ts';
import type { RunOptions } from '../config/schema.ts';
import { messageOf } from '../core/error-message.ts';
import { pageAssets } from '../dashboard/assets.ts';
import { Feed } from '../dashboard/feed.ts';
import { planPage } from '../dashboard/plan-picture.ts';
import { serveDashboard } from '../dashboard/server.ts';
import { readSubject, readTimeline } from '../dashboard/timeline.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { withCluster } from './cluster.ts';
import { failed, type Outcome } from './outcome.ts';
import { Overview } from './overview.ts';
import { planOf } from './plan.ts';
import { configure } from './settings.ts';
import { follow, type WatchContext } from './watch.ts';

export interface DashboardFlags {
  /** The flags of `run` that apply here, as texts by flag. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly allNamespaces: boolean;
  readonly selector?: string | undefined;
  /** @default any free one */
  readonly port?: number | undefined;
  /** Whether the page is opened in the user's browser. */
  readonly open: boolean;
}

const START_TIMEOUT_MS = 30_000;

/**
 * Serves until `stop` aborts, then returns 0. Exit code 1: the cluster does not answer at the beginning or the port is taken; later faults
 * are shown on the page and do not end it. 2: wrong configuration, or no usable kubeconfig.
 */
export async function dashboard(
  { given, allNamespaces, selector, port, open }: DashboardFlags,
  context: WatchContext,
): Promise<Outcome<0 | 1 | 2>> {
  const { env, stop, terminal, writeError } = context;
  const configured = configure(given, env);
  if (configured.is === 'faults') return failed(2, ...configured.faults);
  const { options, settings } = configured;
  const outcome = await withCluster(options, context, async (client, credentials): Promise<Outcome<0 | 1>> => {
    const scope = { namespaces: allNamespaces ? [] : options.namespaces, labelSelector: selector };
    const starting = AbortSignal.any([stop, AbortSignal.timeout(START_TIMEOUT_MS)]);
    const overview = await Overview.prepare(client, scope, settings, starting);
    const feed = new Feed(credentials.describe());
    let page: Awaited<ReturnType<typeof serveDashboard>>;
    try {
      page = await serveDashboard({
        feed,
        assets: await pageAssets(),
        timeline: (object, signal) => timelineOf(client, object, signal),
        plan: (node) => pictureOf(client, node, options, context.now()),
        ...(port !== undefined && { port }),
      });
    } catch (error) {
      return failed(1, `The page cannot be served: ${messageOf(error)}`);
    }
    await using _ = page;
    terminal.write(`${page.url}\n`);
    writeError('The address counts once, for one browser. Ctrl-C ends it.\n');
    if (open) openBrowser(page.url, writeError);
    await follow(client, overview, feed, context);
    return failed(0);
  });
  return stop.aborted ? failed(0) : outcome;
}

function timelineOf(client: ApiClient, object: string, signal: AbortSignal) {
  const subject = readSubject(object, SHOWN_KINDS);
  if (subject === undefined) return Promise.resolve({ is: 'unseen', why: `There is no kind of '${object}'` } as const);
  return readTimeline(client, subject, signal);
}

async function pictureOf(client: ApiClient, node: string, options: RunOptions, nowMs: number): Promise<string> {
  return planPage(await planOf(client, [node], options, nowMs), new Date(nowMs).toISOString());
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** If no browser can be started, the printed address is enough. */
function openBrowser(url: string, writeError: (text: string) => void): void {
  const [command = 'xdg-open', ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  execFile(command, [...args, url], (error) => {
    if (error !== null) writeError('No browser could be started; open the address yourself.\n');
  });
}
