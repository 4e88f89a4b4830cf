/** Observe, decide, act: one pass over one MaintenanceMode, on the cluster that it applies to. */
import type { RecordEvent } from '../core/action.ts';
import type { Backoff } from '../core/backoff.ts';
import type { Result } from '../core/decision.ts';
import { type Answer, type ObjectAccess, type ObjectAddress, pointer, unlessChanged } from '../core/object-access.ts';
import type { Clock, Known, Log, Seen } from '../core/ports.ts';
import { RepeatedWrites } from '../core/repeated-writes.ts';
import { modeActivated, modeEnded, modeFailed } from './events.ts';
import type { ModeMeter } from './metrics.ts';
import { decideMode, failedMode, type ModeAction } from './mode-decide.ts';
import { addressOf, heldBy, observeMode, surroundingsOf } from './mode-observe.ts';
import { isActive, isHeld, providerFor, recordOf } from './mode-observed.ts';
import { annotatedKey, formatRecord, workloadKey } from './mode-record.ts';
import { FORMER_REPLICAS, MODE_FINALIZER, MODE_RECORD } from './names.ts';
import { MAINTENANCE_MODE, type MaintenanceMode } from './objects.ts';
import type { MaintenanceModeSettings } from './settings.ts';

export interface ModePorts {
  readonly objects: ObjectAccess;
  readonly modes: { get(key: string): Seen<MaintenanceMode>; list(): Known<readonly MaintenanceMode[]> };
  readonly record: (event: RecordEvent) => void;
  readonly settings: MaintenanceModeSettings;
  /** Watches of the workloads and their Pods; every change enqueues all requests. */
  readonly surroundings: {
    want(scopes: ReturnType<typeof surroundingsOf>): void;
    /** Whether every change is reported from now on. */
    isOpen(): boolean;
  };
  readonly meter: ModeMeter;
  readonly clock: Clock;
}

const CONFLICT_MS = 25;
const RETRY_MS = 1000;
/** Constant: while a failover waits, a workload must not run for a minute. */
const FOUGHT: Backoff = { baseMs: 2000, maxMs: 2000 };

/** @returns a reconciler whose keys are names of MaintenanceModes. */
export function reconcileModes(ports: ModePorts): (key: string, context: { readonly log: Log }) => Promise<Result> {
  const { modes, settings, surroundings, meter, clock, record } = ports;
  // An operator that scales its workload up each time it is scaled down is not answered at once each time.
  const writes = new RepeatedWrites(FOUGHT);
  return async (key, { log }) => {
    const all = modes.list();
    if (all.is === 'known') {
      const ours = all.value.filter((each) => isActive(each, settings) || isHeld(each));
      surroundings.want(surroundingsOf(ours, settings));
    }
    const isTold = surroundings.isOpen();
    const seen = modes.get(key);
    if (seen.is !== 'present') {
      if (seen.is === 'absent') meter.mode(key, undefined);
      return {};
    }
    const mode = seen.object;
    // Without a match it is not ours, and nothing is written.
    if (!isActive(mode, settings) && !isHeld(mode)) {
      meter.mode(key, undefined);
      return {};
    }
    if (all.is === 'unknown') return { requeueAfterMs: RETRY_MS };
    const provider = providerFor(mode, settings);
    const observed = await observeMode(ports.objects, {
      mode,
      provider,
      record: recordOf(mode),
      heldByOthers: heldBy(
        all.value.filter((each) => each.metadata.uid !== mode.metadata.uid && isActive(each, settings)),
        settings,
      ),
      isTold,
      nowMs: clock.now(),
    });
    const decision = decideMode(observed, settings);
    meter.mode(key, decision.because);
    let requeueAfterMs = decision.requeueAfterMs;
    for (const action of decision.actions) {
      const workload = workloadOf(action);
      const content = `${mode.metadata.uid}/${mode.metadata.generation}`;
      const pauseMs = workload === undefined ? 0 : writes.pauseMs(workload, content, clock.now());
      if (pauseMs > 0) {
        requeueAfterMs = Math.min(requeueAfterMs ?? pauseMs, pauseMs);
        continue;
      }
      log.info('Applying decision', { reason: decision.because, action: action.do });
      const answer = await carryOut(ports.objects, mode, action);
      if (answer.is === 'done') {
        if (workload !== undefined) writes.wrote(workload, content, clock.now());
        continue;
      }
      if (answer.reason === 'DryRun') return {};
      // It has gone, or changed: the next pass decides again.
      if (answer.reason === 'Conflict' || answer.reason === 'NotFound') return { requeueAfterMs: CONFLICT_MS };
      log.warn('Changing a workload failed', { reason: answer.reason, detail: answer.message });
      return await sayWhy(ports, mode, answer.message);
    }
    tell(mode, decision.actions, record);
    return requeueAfterMs === undefined ? {} : { requeueAfterMs };
  };
}

/** The workload that is scaled down or asked by this action; undefined for all other actions. */
function workloadOf(action: ModeAction): string | undefined {
  if (action.do === 'scaleDown') return workloadKey(action.at);
  return action.do === 'annotate' && action.value !== null ? annotatedKey(action.at) : undefined;
}

/** Reports a failed action in the status, for people and the hub; the action is retried. */
async function sayWhy({ objects, record, clock }: ModePorts, mode: MaintenanceMode, message: string): Promise<Result> {
  record(modeFailed(mode, message));
  for (const action of failedMode(mode, clock.now(), message).actions) await carryOut(objects, mode, action);
  return { requeueAfterMs: RETRY_MS };
}

function tell(mode: MaintenanceMode, actions: readonly ModeAction[], record: (event: RecordEvent) => void): void {
  for (const action of actions) {
    if (action.do === 'release') record(modeEnded(mode));
    if (action.do !== 'setStatus') continue;
    const { state, conditions } = action.status;
    if (state === 'Completed') record(modeActivated(mode));
    if (state === 'Error') record(modeFailed(mode, conditions[0]?.message ?? ''));
  }
}

function carryOut(objects: ObjectAccess, mode: MaintenanceMode, action: ModeAction): Promise<Answer<unknown>> {
  const { name, resourceVersion, finalizers = [], annotations } = mode.metadata;
  const self: ObjectAddress = { resource: MAINTENANCE_MODE, name };
  const meta = (finalizers: readonly string[], record: string | null): Record<string, unknown> => ({
    metadata: { resourceVersion, finalizers, annotations: { [MODE_RECORD]: record } },
  });
  switch (action.do) {
    case 'setStatus':
      return objects.patch(
        self,
        [unlessChanged(resourceVersion), { op: 'add', path: '/status', value: action.status }],
        {
          subresource: 'status',
        },
      );
    case 'hold':
      return objects.patch(
        self,
        meta([...finalizers.filter((each) => each !== MODE_FINALIZER), MODE_FINALIZER], formatRecord(action.record)),
      );
    case 'release':
      return objects.patch(self, [
        unlessChanged(resourceVersion),
        { op: 'add', path: '/metadata/finalizers', value: finalizers.filter((each) => each !== MODE_FINALIZER) },
        ...(annotations?.[MODE_RECORD] === undefined
          ? []
          : [{ op: 'remove' as const, path: `/metadata/annotations/${pointer(MODE_RECORD)}` }]),
      ]);
    case 'scaleDown':
      return objects.patch(addressOf(action.at), {
        metadata: {
          resourceVersion: action.resourceVersion,
          annotations: { [FORMER_REPLICAS]: String(action.former) },
        },
        spec: { replicas: 0 },
      });
    case 'restore':
      return objects.patch(addressOf(action.at), {
        metadata: { resourceVersion: action.resourceVersion, annotations: { [FORMER_REPLICAS]: null } },
        ...(action.replicas !== undefined && { spec: { replicas: action.replicas } }),
      });
    case 'annotate':
      return annotate(objects, action);
  }
}

async function annotate(
  objects: ObjectAccess,
  action: Extract<ModeAction, { do: 'annotate' }>,
): Promise<Answer<unknown>> {
  const { at, resourceVersion, value } = action;
  const [group = '', version] = at.apiVersion.includes('/') ? at.apiVersion.split('/') : ['', at.apiVersion];
  const resolution = await objects.resolve({ group, version, kind: at.kind });
  if (resolution.is === 'refused') return resolution;
  if (resolution.is === 'notServed') {
    return {
      is: 'refused',
      reason: 'Failed',
      message: `kind ${at.kind} of ${at.apiVersion} is not served`,
      causes: [],
    };
  }
  const address = { resource: resolution.resource, name: at.name, namespace: at.namespace };
  return objects.patch(address, { metadata: { resourceVersion, annotations: { [at.key]: value } } });
}
