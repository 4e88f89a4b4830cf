/** Carries out actions: each is one request, guarded by the UID of the object that the decision was about. */
import type {
  Action,
  ObjectRef,
  PatchMeta,
  PatchNodeStatus,
  RecordEvent,
  SetTaint,
  SetUnschedulable,
} from '../../core/action.ts';
import { POD } from '../../core/objects.ts';
import type { Apply, Clock, Log } from '../../core/ports.ts';
import { RepeatedWrites, UNDONE } from '../../core/repeated-writes.ts';
import type { Resource } from '../../core/resources.ts';
import { rfc3339 } from '../../core/timestamps.ts';
import { RecentKeys } from '../../runtime/recent-keys.ts';
import { type ApiClient, type ApiRequest, type PatchType, pathOf } from '../http/api.ts';
import { isKubeError, KubeError } from '../http/errors.ts';
import type { PodKeeper } from './pod-store.ts';
import { setTaint } from './taints.ts';

export interface ApplyOptions {
  readonly client: ApiClient;
  readonly recorder: { record(event: RecordEvent): void };
  readonly clock: Clock;
  /** Writes nothing, records no Event, and logs the intended action, once an hour for the same one. */
  readonly dryRun: boolean;
  /** The resource in the version that the server serves, for kinds with several. @default the resource itself */
  readonly served?: (resource: Resource<unknown>) => Resource<unknown>;
  /** Required if decisions store Pods. */
  readonly keeper?: PodKeeper;
  /**
   * Whether a patch that somebody undoes again and again is repeated with growing pauses. Until a pause is over, it fails as a `Conflict`
   * without a request.
   *
   * @default false
   */
  readonly pausesRepeats?: boolean;
}

/** @returns an `Apply`, which throws only the errors that the port documents. */
export function makeApply(options: ApplyOptions): Apply {
  const run = runner(options);
  const patient = options.pausesRepeats === true ? withPauses(run, options.clock) : run;
  const carryOut = options.dryRun ? dryRunner(options.clock) : patient;
  return async (actions, log) => {
    for (const action of actions) await carryOut(action, log);
  };
}

type CarryOut = (action: Action, log: Log) => Promise<void>;

function runner({ client, recorder, clock, served = (resource) => resource, keeper }: ApplyOptions): CarryOut {
  return async (action, log) => {
    switch (action.do) {
      case 'patchMeta':
        return patchMeta(client, { ...action, target: { ...action.target, resource: served(action.target.resource) } });
      case 'patchNodeStatus':
        return patchNodeStatus(client, action, clock.now());
      case 'setUnschedulable':
        return setUnschedulable(client, action);
      case 'setTaint':
        return setTaint(client, action);
      case 'recordEvent':
        return recorder.record(action);
      case 'storePod':
        return needed(keeper).store(action, log);
      case 'restorePod':
        return needed(keeper).restore(action, log);
      case 'discardStored':
        return needed(keeper).discard(action);
    }
  };
}

const MAX_DETAIL = 300;

function withPauses(run: CarryOut, clock: Clock): CarryOut {
  const writes = new RepeatedWrites();
  return async (action, log) => {
    if (action.do !== 'patchMeta' && action.do !== 'setTaint') return run(action, log);
    const { uid, resource } = action.target;
    const key = keyOf(action.target);
    const content = contentOf(action);
    const pauseMs = writes.pauseMs(uid, content, clock.now());
    if (pauseMs > 0) {
      const message = `${resource.kind} ${key}: somebody undoes this change again and again; it is repeated in ${Math.ceil(pauseMs / 1000)} s`;
      throw new KubeError({ reason: 'Conflict', code: 0, message });
    }
    await run(action, log);
    const nextMs = writes.wrote(uid, content, clock.now());
    if (nextMs > 0) {
      log.warn(UNDONE, {
        [resource.kind]: key,
        detail: `${content.slice(0, MAX_DETAIL)}, repeated in ${Math.ceil(nextMs / 1000)} s`,
      });
    }
  };
}

function keyOf({ namespace, name }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function contentOf(action: PatchMeta | SetTaint): string {
  const { labels, annotations } = action;
  return JSON.stringify(action.do === 'setTaint' ? [action.taint, action.isSet] : { labels, annotations });
}

function needed(keeper: PodKeeper | undefined): PodKeeper {
  if (keeper === undefined) throw new Error('Nobody keeps Pods here');
  return keeper;
}

function dryRunner(clock: Clock): CarryOut {
  // The decision stays due because nothing is written, so it is repeated with each pass.
  const said = new RecentKeys({ ttlMs: 3_600_000, maxSize: 4096 });
  return async (action, log) => {
    if (!said.isNew(JSON.stringify(action), clock.now())) return;
    const target = action.do === 'recordEvent' ? action.regarding : action.target;
    log.info('Would apply', { action: action.do, [target.resource.kind]: keyOf(target) });
  };
}

/** Options for sending a patch, in place of the client's defaults. */
export type PatchOptions = Pick<ApiRequest, 'retry' | 'timeoutMs' | 'signal'>;

/** @throws KubeError */
export async function patchMeta(client: ApiClient, action: PatchMeta, options: PatchOptions = {}): Promise<void> {
  try {
    await patch(client, action.target, 'merge', { metadata: metadataOf(action) }, undefined, options);
  } catch (error) {
    // A Pod that has gone needs no annotation.
    if (action.target.resource.kind === POD.kind && isKubeError(error, 'NotFound')) return;
    throw error;
  }
}

/** Uses `nowMs` for the heartbeat alone: the decision sets when a condition changed. */
async function patchNodeStatus(client: ApiClient, action: PatchNodeStatus, nowMs: number): Promise<void> {
  const lastHeartbeatTime = rfc3339(nowMs);
  const conditions = action.conditions.map((condition) => ({ ...condition, lastHeartbeatTime }));
  await patch(
    client,
    action.target,
    'strategic-merge',
    { metadata: metadataOf(action), status: { conditions } },
    'status',
  );
}

async function setUnschedulable(client: ApiClient, action: SetUnschedulable): Promise<void> {
  const spec = { unschedulable: action.unschedulable ? true : null };
  await patch(client, action.target, 'merge', { metadata: metadataOf(action), spec });
}

function metadataOf(action: PatchMeta | PatchNodeStatus | SetUnschedulable): object {
  const { target, resourceVersion, annotations } = action;
  const labels = 'labels' in action ? action.labels : undefined;
  // JSON leaves out undefined values.
  return { uid: target.uid, resourceVersion, labels, annotations };
}

async function patch(
  client: ApiClient,
  target: ObjectRef,
  patchType: PatchType,
  body: object,
  subresource?: string,
  options: PatchOptions = {},
): Promise<void> {
  const { resource, namespace, name } = target;
  const path = pathOf(resource, { namespace, name, ...(subresource !== undefined && { subresource }) });
  try {
    await client.request({ method: 'PATCH', path, patchType, body, ...options });
  } catch (error) {
    throw isNamesake(error) ? conflictOf(error) : error;
  }
}

/** The API server answers a patch with another UID by 422, because the field is immutable; the meaning is a conflict. */
function isNamesake(error: unknown): error is KubeError {
  return (
    isKubeError(error, 'Invalid') &&
    error.causes.length > 0 &&
    error.causes.every(({ field }) => field === 'metadata.uid')
  );
}

function conflictOf(error: KubeError): KubeError {
  return new KubeError({
    reason: 'Conflict',
    code: error.code,
    message: error.message,
    causes: error.causes,
    cause: error,
  });
}
