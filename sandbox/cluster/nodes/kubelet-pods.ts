/**
 * The kubelets' handling of Pods.
 *
 * - A bound Pod runs and is ready after the start time. One that runs to completion does so after its run time.
 * - A terminating Pod ends within its grace period, or the stop time if that is shorter, and is then removed; finalizers keep it as a
 *   finished Pod (KEP-3329).
 * - On a machine without power nothing happens to Pods, not even to terminating ones. When power is back, they start again.
 */
import { keyOf } from '../../../src/core/meta.ts';
import type { Node, Pod } from '../base/kinds.ts';
import { isFinished, isTerminating, podsByNode } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import type { Timing } from '../options.ts';
import { exitCodeOf, mayBeReady, mayStop, runTimeOf, stateOf } from './names.ts';
import { endedStatus, runningStatus } from './pod-status.ts';

const MIRROR = 'kubernetes.io/config.mirror';

/** The kubelet's memory of a Pod. */
interface Memory {
  /** When the Pod was first seen, or seen again after its machine had been without power. */
  startMs: number;
  readyMs?: number;
  stopMs?: number;
  restarts: number;
  address?: string;
}

export function startPodKubelets(world: World, timing: Timing): void {
  new PodKubelets(world, timing).start();
}

class PodKubelets {
  readonly #world: World;
  readonly #timing: Timing;
  readonly #memories = new Map<string, Memory>();
  #addresses = 0;

  constructor(world: World, timing: Timing) {
    this.#world = world;
    this.#timing = timing;
  }

  start(): void {
    const world = this.#world;
    const work = world.controller('KubeletPod', (key) => {
      const pod = world.fresh('pods', key);
      const node = pod?.spec.nodeName === undefined ? undefined : world.mirror('nodes').get(pod.spec.nodeName);
      if (pod === undefined || node === undefined || stateOf(node) !== 'running') return;
      const waitMs = this.#look(pod, node);
      if (waitMs !== undefined) work.addAfter(key, waitMs);
    });
    world.mirror('pods').onChange(({ type, object }) => {
      if (type === 'DELETED') this.#memories.delete(object.metadata.uid);
      else if (object.spec.nodeName !== undefined) work.add(keyOf(object));
    });
    world.mirror('nodes').onChange(({ object, before }) => {
      const [was, is] = [before === undefined ? undefined : stateOf(before), stateOf(object)];
      if (is !== 'running' || was === 'running') return;
      for (const pod of podsByNode(world).get(object.metadata.name)) {
        if (was === 'off') this.#restart(pod);
        work.add(keyOf(pod));
      }
    });
  }

  /** @returns after how many milliseconds there is more to do. */
  #look(pod: Pod, node: Node): number | undefined {
    const nowMs = this.#world.nowMs();
    const memory = this.#memoryOf(pod, nowMs);
    if (isTerminating(pod)) return this.#stop(pod, memory, nowMs);
    if (isFinished(pod) || MIRROR in (pod.metadata.annotations ?? {})) return undefined;
    const dueMs = memory.startMs + this.#timing.podStartMs;
    if (nowMs < dueMs) return dueMs - nowMs;
    memory.readyMs ??= nowMs;
    const runMs = runTimeOf(pod, this.#timing.podRunMs);
    const endMs = runMs === undefined ? undefined : memory.readyMs + runMs;
    if (endMs !== undefined && nowMs >= endMs) this.#end(pod);
    else this.#run(pod, node, memory);
    return endMs === undefined || nowMs >= endMs ? undefined : endMs - nowMs;
  }

  #run(pod: Pod, node: Node, memory: Memory): void {
    const world = this.#world;
    const hostIP = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
    memory.address ??= pod.status?.podIP ?? (pod.spec.hostNetwork === true ? hostIP : this.#address());
    const report = {
      now: world.now(),
      hostIP,
      podIP: memory.address,
      isReady: mayBeReady(pod),
      restarts: memory.restarts,
    };
    world.patchStatus('pods', pod, runningStatus(pod, report));
  }

  #end(pod: Pod): void {
    const world = this.#world;
    world.patchStatus('pods', pod, endedStatus(pod, exitCodeOf(pod), world.now()));
  }

  #stop(pod: Pod, memory: Memory, nowMs: number): number | undefined {
    const world = this.#world;
    if (!mayStop(pod)) return undefined;
    const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    memory.stopMs ??= nowMs + Math.min(graceMs, this.#timing.podStopMs);
    if (nowMs < memory.stopMs) return memory.stopMs - nowMs;
    if ((pod.metadata.finalizers ?? []).length > 0 && !isFinished(pod)) this.#end(pod);
    if (pod.metadata.deletionGracePeriodSeconds === 0 && (pod.metadata.finalizers ?? []).length > 0) return undefined;
    world.delete('pods', pod, { gracePeriodSeconds: 0 });
    return undefined;
  }

  #memoryOf({ metadata }: Pod, nowMs: number): Memory {
    const known = this.#memories.get(metadata.uid);
    if (known !== undefined) return known;
    const memory = { startMs: nowMs, restarts: 0 };
    this.#memories.set(metadata.uid, memory);
    return memory;
  }

  #restart({ metadata }: Pod): void {
    const memory = this.#memories.get(metadata.uid);
    if (memory === undefined) return;
    memory.startMs = this.#world.nowMs();
    memory.restarts += 1;
    delete memory.readyMs;
  }

  /** An address of 10.64.0.0/10, which is large enough that an address is free again before it is reused. */
  #address(): string {
    this.#addresses = (this.#addresses + 1) % 2 ** 22;
    const number = this.#addresses;
    return `10.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  }
}
