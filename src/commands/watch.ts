/** `status --watch`: watches the cluster, and shows every change until it is stopped. */

import { Outages } from '../kube/cache/outages.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { type CommandContext, withCluster } from './cluster.ts';
import type { Inspection } from './inspect.ts';
import { noticesTo } from './notices.ts';
import { failed, type Outcome } from './outcome.ts';
import { Overview } from './overview.ts';
import { type Display, type Presenter, presenterFor } from './presenters.ts';
import { configure } from './settings.ts';

export interface WatchContext extends Pick<CommandContext, 'env' | 'homedir'>, Display {
  /** Ends the watch. */
  readonly stop: AbortSignal;
}

const START_TIMEOUT_MS = 30_000;

/**
 * Ends when `stop` aborts, with code 0. A cluster that cannot be reached at the beginning leads to code 1, as without `--watch`; later
 * faults are reported and survived. Code 2: wrong configuration, or no usable kubeconfig.
 */
export async function watchStatus(
  { flags }: Extract<Inspection, { is: 'status' }>,
  context: WatchContext,
): Promise<Outcome<0 | 1 | 2>> {
  const { env, stop } = context;
  const configured = configure(flags.given, env);
  if (configured.is === 'faults') return failed(2, ...configured.faults);
  const { options, settings } = configured;
  const outcome = await withCluster(options, context, async (client): Promise<Outcome<0 | 1>> => {
    const scope = { namespaces: flags.allNamespaces ? [] : options.namespaces, labelSelector: flags.selector };
    const starting = AbortSignal.any([stop, AbortSignal.timeout(START_TIMEOUT_MS)]);
    const overview = await Overview.prepare(client, scope, settings, starting);
    await follow(client, overview, presenterFor(flags, context), context);
    return failed(0);
  });
  // If it is stopped before it has begun, the user got what they asked for.
  return stop.aborted ? failed(0) : outcome;
}

export async function follow(
  client: ApiClient,
  overview: Overview,
  presenter: Presenter,
  { now, stop }: Pick<WatchContext, 'now' | 'stop'>,
): Promise<void> {
  let pending: NodeJS.Timeout | undefined;
  const show = (): void => {
    clearTimeout(pending);
    pending = undefined;
    if (!stop.aborted) presenter.show(overview.explanations(now()), overview.isComplete());
  };
  const gather = (): void => {
    pending ??= setTimeout(show, presenter.gatherMs);
  };
  for (const view of overview.views) view.onChange(gather);
  const ticking = presenter.tickMs === undefined ? undefined : setInterval(show, presenter.tickMs);
  // At once: a second signal may end the process before the watches have ended.
  stop.addEventListener('abort', () => presenter.close(), { once: true });
  const log = noticesTo((notice) => {
    presenter.notice(notice);
    gather();
  });
  const outages = new Outages({ log, clock: Date });
  try {
    if (presenter.tickMs !== undefined) show();
    await Promise.all(overview.views.map((view) => view.follow(client, log, outages, stop)));
  } finally {
    clearTimeout(pending);
    clearInterval(ticking);
    presenter.close();
  }
}
