/** A cluster in memory for pure tests: it answers like caches do, and carries out actions like an API server. */

import type { Action } from '../../src/core/action.ts';
import { keyOf } from '../../src/core/meta.ts';
import type {
  Condition,
  Job,
  KubeObject,
  Node,
  ObjectMeta,
  Pod,
  PodController,
  PodDisruptionBudget,
  StatefulSet,
} from '../../src/core/objects.ts';
import { LOCKING_DAEMON_SETS, NODES_IN_OTHER_HANDS, UPGRADE_JOBS } from '../../src/core/other-tools.ts';
import type { EvictionAttempt, Index, KeepingAttempt, Lister } from '../../src/core/ports.ts';
import type { CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../src/core/storage-objects.ts';
import { decide } from '../../src/tmm/decide/decide.ts';
import type { Context, Memory, TmmDecision } from '../../src/tmm/decide/transition.ts';
import type { Observed } from '../../src/tmm/model/observed.ts';
import { parseReport, type Report } from '../../src/tmm/model/report.ts';
import type { Reservation } from '../../src/tmm/model/slots.ts';
import { askingTaint, heldTaint } from '../../src/tmm/model/taints.ts';
import { REPORT_ANNOTATION } from '../../src/tmm/names.ts';
import {
  ALL_NODES,
  BUDGETS_BY_NAMESPACE,
  NODES_IN_SESSION,
  PODS_BY_CONTROLLER,
  PODS_BY_MARKER,
  PODS_BY_NODE,
  REPLICA_SETS_BY_OWNER,
  STORED_BY_NODE,
  UNREADY_PODS,
  VOLUMES_BY_CLASS,
} from '../../src/tmm/observe/indexes.ts';
import { observe } from '../../src/tmm/observe/observe.ts';
import type { TmmReaders } from '../../src/tmm/observe/readers.ts';
import { tmmSettingsSchema } from '../../src/tmm/settings.ts';
import { node, replicaSet } from './objects.ts';
import { StoredPods } from './stored-pods.ts';

export const NOW = Date.parse('2026-11-21T02:00:00.000Z');

export interface ClusterObjects {
  nodes?: readonly Node[];
  pods?: readonly Pod[];
  budgets?: readonly PodDisruptionBudget[];
  statefulSets?: readonly StatefulSet[];
  /** One that asks for any number of members, where absent: that of `pod()`. */
  replicaSets?: readonly PodController[];
  daemonSets?: readonly PodController[];
  replicationControllers?: readonly PodController[];
  jobs?: readonly Job[];
  claims?: readonly PersistentVolumeClaim[];
  volumes?: readonly PersistentVolume[];
  secrets?: readonly KubeObject[];
}

export function lister<T extends KubeObject>(objects: readonly T[], indexes: readonly Index<T>[] = []): Lister<T> {
  return {
    get: (key) => {
      const object = objects.find((each) => keyOf(each) === key);
      return object === undefined ? { is: 'absent' } : { is: 'present', object };
    },
    byIndex: (name, value) => {
      const index = indexes.find((each) => each.name === name);
      if (index === undefined) throw new Error(`There is no index '${name}'`);
      return { is: 'known', value: objects.filter((object) => index.of(object).includes(value)) };
    },
  };
}

export function readersOf(objects: ClusterObjects): TmmReaders {
  return {
    nodes: lister(objects.nodes ?? [], [ALL_NODES, NODES_IN_SESSION, NODES_IN_OTHER_HANDS]),
    pods: lister(objects.pods ?? [], [PODS_BY_NODE, PODS_BY_CONTROLLER, PODS_BY_MARKER, UNREADY_PODS]),
    budgets: lister(objects.budgets ?? [], [BUDGETS_BY_NAMESPACE]),
    statefulSets: lister(objects.statefulSets ?? []),
    replicaSets: lister(objects.replicaSets ?? [replicaSet('owner', 1000)], [REPLICA_SETS_BY_OWNER]),
    daemonSets: lister(objects.daemonSets ?? [], [LOCKING_DAEMON_SETS]),
    replicationControllers: lister(objects.replicationControllers ?? []),
    jobs: lister(objects.jobs ?? [], [UPGRADE_JOBS]),
    claims: lister(objects.claims ?? []),
    volumes: lister(objects.volumes ?? [], [VOLUMES_BY_CLASS]),
    storageClasses: lister<StorageClass>([]),
    csiNodes: lister<CsiNode>([]),
    stored: lister(objects.secrets ?? [], [STORED_BY_NODE]),
  };
}

/** A cluster whose passes over one Node are made by hand. It has a Node `spare` with room for everything, unless one is given. */
export class TestCluster {
  nodes: readonly Node[];
  pods: readonly Pod[];
  budgets: readonly PodDisruptionBudget[];
  statefulSets: readonly StatefulSet[];
  replicaSets: readonly PodController[];
  daemonSets: readonly PodController[];
  replicationControllers: readonly PodController[];
  jobs: readonly Job[];
  claims: readonly PersistentVolumeClaim[];
  volumes: readonly PersistentVolume[];
  /** Replaceable, since machine drain's settings are not ones that a user could write. */
  settings: Context['settings'];
  readonly stored = new StoredPods();
  readonly attempts = new Map<string, EvictionAttempt>();
  readonly keeping = new Map<string, KeepingAttempt>();
  readonly reservations = new Map<string, Reservation>();
  nowMs = NOW;
  /** By the Node's name; a process that is killed loses them. */
  readonly memories = new Map<string, Memory>();
  #version = 1;

  constructor(objects: ClusterObjects, settings: object = {}) {
    const nodes = objects.nodes ?? [];
    this.nodes = nodes.some(({ metadata }) => metadata.name === 'spare') ? nodes : [...nodes, node('spare')];
    this.pods = objects.pods ?? [];
    this.budgets = objects.budgets ?? [];
    this.statefulSets = objects.statefulSets ?? [];
    this.replicaSets = objects.replicaSets ?? [replicaSet('owner', 1000)];
    this.daemonSets = objects.daemonSets ?? [];
    this.replicationControllers = objects.replicationControllers ?? [];
    this.jobs = objects.jobs ?? [];
    this.claims = objects.claims ?? [];
    this.volumes = objects.volumes ?? [];
    this.settings = tmmSettingsSchema.parse(settings);
  }

  observe(nodeName: string): Observed {
    const known = observe(readersOf({ ...this, secrets: this.stored.secrets }), nodeName, {
      attempts: this.attempts,
      keeping: this.keeping,
      reservations: this.reservations,
      settings: this.settings,
      source: (each) => askingTaint(each, this.settings.taints) ?? heldTaint(each),
      nowMs: this.nowMs,
    });
    if (known.is === 'unknown') throw new Error('A cluster in memory knows everything');
    return known.value;
  }

  decide(nodeName: string, context: Partial<Context> = {}): TmmDecision {
    const memory = this.memories.get(nodeName) ?? {};
    return decide(this.observe(nodeName), { settings: this.settings, memory, ...context });
  }

  /** One pass: decides and carries the actions out. */
  pass(nodeName: string, context: Partial<Context> = {}): TmmDecision {
    const decision = this.decide(nodeName, context);
    this.memories.set(nodeName, decision.memory);
    for (const action of decision.actions) this.carryOut(action);
    return decision;
  }

  /** @throws Error for actions that a server would refuse: a stale resourceVersion, an unknown object. */
  carryOut(action: Action): void {
    if (action.do === 'recordEvent') return;
    if (action.do === 'storePod' || action.do === 'restorePod' || action.do === 'discardStored') {
      this.pods = this.stored.carryOut(action, this.pods);
      return;
    }
    const { target } = action;
    const change = <T extends KubeObject>(objects: readonly T[], edit: (object: T) => T): readonly T[] => {
      if (!objects.some(({ metadata }) => metadata.uid === target.uid)) throw new Error(`There is no ${target.name}`);
      return objects.map((object) => {
        if (object.metadata.uid !== target.uid) return object;
        const { resourceVersion } = 'resourceVersion' in action ? action : object.metadata;
        if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
          throw new Error(`Conflict on ${target.name}`);
        }
        this.#version += 1;
        const edited = edit(object);
        return {
          ...edited,
          metadata: annotate({ ...edited.metadata, resourceVersion: String(this.#version) }, action.annotations ?? {}),
        };
      });
    };
    switch (action.do) {
      case 'patchMeta':
        if (target.resource.kind === 'Pod') this.pods = change(this.pods, (object) => object);
        else this.nodes = change(this.nodes, (object) => object);
        return;
      case 'patchNodeStatus':
        this.nodes = change(this.nodes, (object) => ({
          ...object,
          status: { ...object.status, conditions: mergeConditions(object.status.conditions ?? [], action.conditions) },
        }));
        return;
      case 'setTaint':
        throw new Error('No decision on a Node sets a taint');
      case 'setUnschedulable':
        this.nodes = change(this.nodes, (object) => ({
          ...object,
          spec: { ...object.spec, unschedulable: action.unschedulable },
        }));
    }
  }

  node(name: string): Node {
    const found = this.nodes.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`There is no Node ${name}`);
    return found;
  }

  pod(name: string): Pod {
    const found = this.pods.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`There is no Pod ${name}`);
    return found;
  }

  editNode(name: string, edit: (node: Node) => Node): void {
    this.nodes = this.nodes.map((each) => (each.metadata.name === name ? edit(each) : each));
  }

  untaint(name: string): void {
    this.editNode(name, (each) => ({ ...each, spec: { ...each.spec, taints: [] } }));
  }

  report(name: string): Report | undefined {
    const seen = parseReport(this.node(name).metadata.annotations?.[REPORT_ANNOTATION]);
    return seen.is === 'valid' ? seen.report : undefined;
  }

  condition(name: string, type: string): string | undefined {
    return this.node(name).status.conditions?.find((each) => each.type === type)?.status;
  }
}

function annotate(metadata: ObjectMeta, changes: Readonly<Record<string, string | null>>): ObjectMeta {
  const annotations = Object.fromEntries(
    Object.entries({ ...metadata.annotations, ...changes }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    ),
  );
  return { ...metadata, annotations };
}

function mergeConditions(before: readonly Condition[], changes: readonly Condition[]): readonly Condition[] {
  const types = new Set(changes.map(({ type }) => type));
  return [...before.filter(({ type }) => !types.has(type)), ...changes];
}
