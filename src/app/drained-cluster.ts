/** Temporary Maintenance Mode in one workload cluster, for as long as Machines of it are to be drained. */

import { APPROVED_ANNOTATION } from '../capi/drain/names.ts';
import type { DrainSession, NodeInDrain, Outlook } from '../capi/drain/observed.ts';
import { QUESTIONS } from '../capi/questions.ts';
import type { ClusterKey } from '../core/clusters.ts';
import { DRAIN_LABEL, MACHINE_TAINT } from '../core/machine-keys.ts';
import { annotationOf, isSameTaint, labelOf } from '../core/meta.ts';
import type { KubeObject, Node } from '../core/objects.ts';
import type { Log, Source } from '../core/ports.ts';
import { CachedKind } from '../kube/cache/cached-kind.ts';
import { Outages } from '../kube/cache/outages.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { ObjectBudget } from '../kube/workload/object-budget.ts';
import { makeEventSink } from '../kube/write/events.ts';
import type { Runnable } from '../runtime/manager.ts';
import { EventRecorder } from '../runtime/recorder.ts';
import { inSteps } from '../runtime/steps.ts';
import { relatedPods } from '../tmm/model/related-pods.ts';
import { parseReport } from '../tmm/model/report.ts';
import { REPORT_ANNOTATION } from '../tmm/names.ts';
import { ALL_NODES } from '../tmm/observe/indexes.ts';
import { look } from '../tmm/observe/observe.ts';
import type { TmmCluster } from '../tmm/reconcile.ts';
import { questionOf } from '../tmm/rules/rule.ts';
import { judge } from '../tmm/rules/verdict.ts';
import type { TmmSettings } from '../tmm/settings.ts';
import { addCaches, type TmmSources } from '../tmm/watches.ts';
import { BLIND_AFTER_MS } from './caches.ts';
import type { Observers } from './parts.ts';
import { makeTmmCluster } from './tmm-cluster.ts';

/** Small, so that a page is parsed within some milliseconds, and within the limit of a workload cluster's answers. */
const PAGE_SIZE = 200;

export interface DrainedClusterOptions {
  readonly key: ClusterKey;
  readonly client: ApiClient;
  readonly settings: TmmSettings;
  readonly meter: TmmCluster['meter'];
  readonly observers: Observers;
  readonly identity: string;
  readonly log: Log;
  readonly dryRun: boolean;
  /** Enqueues a Node for Temporary Maintenance Mode. */
  readonly enqueue: (nodeName: string) => void;
  /** Called when a Node has changed in a field that machine drain depends on. */
  readonly onNodeChange: (nodeName: string) => void;
  /** Called when all caches are filled. */
  readonly onFilled: () => void;
}

export class DrainedCluster {
  readonly #options: DrainedClusterOptions;
  readonly #mirrors: CachedKind<KubeObject>[] = [];
  readonly #sources: TmmSources;
  readonly #budget = new ObjectBudget();
  readonly #runnables: readonly Runnable[];
  readonly #closing = new AbortController();
  readonly tmm: TmmCluster;
  #isFilled = false;
  /** Grows with each change that verdicts depend on. */
  revision = 0;

  constructor(options: DrainedClusterOptions) {
    this.#options = options;
    const { client, settings, observers, log, dryRun, identity } = options;
    const outages = new Outages({ log, clock: Date });
    this.#sources = addCaches((resource) => {
      const mirror = new CachedKind({
        client,
        resource,
        clock: Date,
        log,
        outages,
        pageSize: PAGE_SIZE,
        excessOf: this.#budget.judgeOf(resource.kind),
        onRestart: (reason) => observers.watchRestart(resource.plural, reason),
        onHandlerError: () => observers.handlerError(resource.plural),
      });
      this.#mirrors.push(mirror as unknown as CachedKind<KubeObject>);
      return mirror.informer;
    }, settings);
    for (const source of Object.values(this.#sources)) this.#count(source as Source<KubeObject>);
    const recorder = new EventRecorder({
      controller: 'machine-drain',
      sink: makeEventSink({ client, controller: 'machine-drain', instance: identity }),
      clock: Date,
      log,
      onDropped: observers.eventDropped,
    });
    const { cluster, runnables } = makeTmmCluster({
      client,
      sources: this.#sources,
      // A user's taint on another Node is handled by a bridge in that cluster, if there is one.
      isOurs: (node) => labelOf(node, DRAIN_LABEL) !== undefined,
      recorder,
      settings,
      meter: options.meter,
      log,
      dryRun,
      onEviction: observers.eviction,
      unseen: () => this.#unseen(),
      enqueue: (nodeName) => {
        if (this.#isFilled) options.enqueue(nodeName);
      },
    });
    this.tmm = cluster;
    this.#runnables = [recorder, ...runnables];
    this.#sources.nodes.addHandler({
      onAdd: ({ metadata }) => options.onNodeChange(metadata.name),
      onUpdate: (old, now) => {
        if (drainFields(old) !== drainFields(now)) options.onNodeChange(now.metadata.name);
      },
      onDelete: ({ metadata }) => options.onNodeChange(metadata.name),
    });
  }

  /** Runs until `close`. @throws the error of a part, which is a bug. */
  async run(): Promise<void> {
    const { signal } = this.#closing;
    const running = [...this.#mirrors, ...this.#runnables].map((each) => each.start(signal));
    void this.#fill(signal);
    await Promise.all(running);
  }

  close(): void {
    this.#isFilled = false;
    this.#closing.abort();
  }

  get isFilled(): boolean {
    return this.#isFilled;
  }

  /** Why verdicts cannot be formed at present, for people; undefined if they can, or will be in a moment. */
  get blindness(): string | undefined {
    const excess = this.#budget.excess();
    if (excess !== undefined) return excess;
    const fault = this.#mirrors
      .map((mirror) => mirror.readyz())
      .find((text) => text !== undefined && text !== 'not synced yet');
    if (fault !== undefined) return fault;
    const unseen = this.#isFilled ? this.#unseen() : [];
    return unseen.length === 0 ? undefined : `nobody follows ${unseen.join(', ')} at present`;
  }

  nodeIn(name: string): NodeInDrain | undefined {
    if (!this.#isFilled || this.#unseen().length > 0) return undefined;
    const seen = this.#sources.nodes.get(name);
    if (seen.is !== 'present') return undefined;
    const node = seen.object;
    const ours = (annotationOf(node, APPROVED_ANNOTATION) ?? '').split(',');
    const session = sessionOf(node);
    return {
      isFenced: (node.spec.taints ?? []).some((taint) => isSameTaint(taint, MACHINE_TAINT)),
      approved: QUESTIONS.filter((question) => ours.includes(question)),
      ...(session !== undefined && { session }),
    };
  }

  /** The answer of Temporary Maintenance Mode if the Node were fenced now. */
  async outlook(nodeName: string): Promise<Outlook | undefined> {
    const { settings } = this.#options;
    const taint = { ...MACHINE_TAINT };
    const moment = {
      attempts: new Map(),
      reservations: this.tmm.memory.reservations,
      settings,
      source: (node: Node) => (node.metadata.name === nodeName ? taint : this.tmm.source(node)),
      nowMs: Date.now(),
    };
    const first = look(this.tmm.readers, nodeName, moment);
    if (first.is === 'unknown') return undefined;
    const found = first.value.search && (await inSteps(first.value.search.steps()));
    const seen = found === undefined ? first : look(this.tmm.readers, nodeName, { ...moment, found });
    if (seen.is === 'unknown' || seen.value.search !== undefined) return undefined;
    const { observed } = seen.value;
    const related = relatedPods(observed.pods, taint, settings, observed.nowMs);
    const verdict = judge(questionOf(observed, related, settings));
    // A verdict that may improve within a minute is left to the session itself.
    return verdict.is === 'never'
      ? { is: 'refused', reason: verdict.reason, message: verdict.message }
      : { is: 'open' };
  }

  /** The names of Nodes that Temporary Maintenance Mode works on, or may have to. */
  #nodesInDrain(): readonly string[] {
    const nodes = this.#sources.nodes.byIndex(ALL_NODES.name, '');
    if (nodes.is === 'unknown') return [];
    const isMeant = (node: Node): boolean =>
      this.tmm.source(node) !== undefined || annotationOf(node, REPORT_ANNOTATION) !== undefined;
    return nodes.value.filter(isMeant).map(({ metadata }) => metadata.name);
  }

  async #fill(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#mirrors.map((mirror) => mirror.whenReady(signal)));
    if (signal.aborted) return;
    this.#isFilled = true;
    for (const name of this.#nodesInDrain()) this.#options.enqueue(name);
    this.#options.onFilled();
  }

  #unseen(): readonly string[] {
    const excess = this.#budget.excess();
    if (excess !== undefined) return ['everything'];
    const nowMs = Date.now();
    return this.#mirrors.filter((mirror) => mirror.disconnectedMs(nowMs) > BLIND_AFTER_MS).map(({ name }) => name);
  }

  #count(source: Source<KubeObject>): void {
    source.addHandler({
      onAdd: (now) => {
        this.#budget.added(now);
        this.revision += 1;
      },
      onUpdate: (old, now) => {
        this.#budget.removed(old);
        this.#budget.added(now);
        this.revision += 1;
      },
      onDelete: (last) => {
        this.#budget.removed(last);
        this.revision += 1;
      },
    });
  }
}

function sessionOf(node: Node): DrainSession | undefined {
  const seen = parseReport(annotationOf(node, REPORT_ANNOTATION));
  if (seen.is !== 'valid') return undefined;
  const { phase, blockedBy, overdue, reason, message } = seen.report;
  return {
    phase,
    isEmpty: phase === 'InMaintenance' && blockedBy.length === 0,
    isOverdue: overdue === true,
    ...(reason !== undefined && { reason }),
    message,
  };
}

/** Every field of a Node that machine drain's decisions depend on. */
function drainFields({ metadata, spec }: Node): string {
  const { annotations = {} } = metadata;
  return JSON.stringify([spec.taints, annotations[REPORT_ANNOTATION], annotations[APPROVED_ANNOTATION]]);
}
