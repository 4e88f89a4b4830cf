/** Explains works, views and MaintenanceModes to people, from the objects alone: no right on a managed cluster is needed. */
import type { Explanation, Outlook } from '../core/explanation.ts';
import { isDeleting, keyOf } from '../core/meta.ts';
import { describe } from './manifest.ts';
import {
  APPLICATION_GONE,
  KLUSTERLET_FINALIZER,
  MODE_FINALIZER,
  PROCESSING,
  VIEW_REASONS,
  WORK_FINALIZER,
} from './names.ts';
import {
  applicationOf,
  type MaintenanceMode,
  type ManagedClusterView,
  type ManifestStatus,
  type ManifestWork,
  type WorkCondition,
} from './objects.ts';

type Telling = Pick<Explanation, 'state' | 'outlook' | 'summary'> &
  Partial<Pick<Explanation, 'waitsFor' | 'release' | 'since'>>;

export const WORK_EXPLAINED = ['Applied', 'Pending', 'Failed', 'Orphaned', 'Deleting', 'NotOurs'] as const;
export const VIEW_EXPLAINED = ['Shown', 'Absent', 'Unanswered', ...VIEW_REASONS.slice(1)] as const;
export const MODE_EXPLAINED = ['Unanswered', 'Progressing', 'Completed', 'Error', 'Ending', 'NotOurs'] as const;

const MAX_DETAILS = 20;

export function explainWork(work: ManifestWork): Explanation {
  const { status, metadata } = work;
  const application = applicationOf(work);
  return {
    kind: 'ManifestWork',
    name: keyOf(work),
    ...underWay(tellWork(work)),
    details: [
      ...status.manifests.slice(0, MAX_DETAILS).map(tellManifest),
      ...(status.manifests.length > MAX_DETAILS ? [`and ${status.manifests.length - MAX_DETAILS} more`] : []),
      ...(application === undefined ? [] : [`DRPlacementControl: ${application}`]),
      `Generation ${metadata.generation ?? 0}, ${status.conditions.length === 0 ? 'never looked at' : `conditions of generation ${conditionOf(status.conditions, 'Applied')?.observedGeneration ?? 0}`}`,
    ],
  };
}

function tellWork(work: ManifestWork): Telling {
  const { metadata, status } = work;
  const { namespace = '', name } = metadata;
  const applied = conditionOf(status.conditions, 'Applied');
  const since = sinceOf(applied);
  const isHeld = metadata.finalizers?.includes(WORK_FINALIZER) ?? false;
  if (metadata.finalizers?.includes(KLUSTERLET_FINALIZER)) {
    return { state: 'NotOurs', outlook: 'Idle', summary: 'A klusterlet of Open Cluster Management looks after it' };
  }
  if (isDeleting(work) && isHeld) {
    const left = status.manifests.map(({ resourceMeta }) => describe(resourceMeta)).slice(0, 3);
    return {
      state: 'Deleting',
      outlook: 'Moving',
      summary: `Its objects on cluster ${namespace} are being removed`,
      waitsFor: `cluster ${namespace}, until ${left.join(', ') || 'its objects'} have gone`,
      ...(metadata.deletionTimestamp !== undefined && { since: metadata.deletionTimestamp }),
    };
  }
  if (!isHeld) {
    const summary = `Nobody looks after it: namespace ${namespace} is no cluster of a bridge, or its bridge does not run`;
    return { state: 'NotOurs', outlook: 'Idle', summary };
  }
  const gone = conditionOf(status.conditions, APPLICATION_GONE);
  if (gone?.status === 'True') {
    return {
      state: 'Orphaned',
      outlook: 'Stuck',
      summary: `Its application is gone, and its objects are still on cluster ${namespace}`,
      waitsFor: 'an administrator, who makes sure that the application is not to run there, and removes it',
      release: `kubectl delete manifestwork -n ${namespace} ${name}`,
      ...sinceOf(gone),
    };
  }
  if (
    applied === undefined ||
    applied.observedGeneration !== metadata.generation ||
    applied.reason === 'NewGeneration'
  ) {
    return {
      state: 'Pending',
      outlook: 'Moving',
      summary: `Generation ${metadata.generation ?? 0} is not applied yet`,
      waitsFor: `cluster ${namespace}, which may be out of reach`,
      ...since,
    };
  }
  if (applied.status === 'True')
    return { state: 'Applied', outlook: 'Idle', summary: 'Its objects are as it says', ...since };
  return {
    state: 'Failed',
    outlook: 'Stuck',
    summary: applied.message ?? 'Some of its manifests are not applied',
    waitsFor: 'whoever can repair what the details name; it is tried again all the time',
    ...since,
  };
}

function tellManifest({ resourceMeta, conditions }: ManifestStatus): string {
  const applied = conditionOf(conditions, 'Applied');
  const what = describe(resourceMeta);
  return applied?.status === 'True'
    ? `${what}: applied`
    : `${what}: not applied: ${applied?.message ?? 'not tried yet'}`;
}

export function explainView(view: ManagedClusterView): Explanation {
  const { kind = '', resource = '', name = '', namespace, apiGroup } = view.scope;
  const asked = `${kind || resource}${apiGroup === undefined ? '' : ` of ${apiGroup}`} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  return {
    kind: 'ManagedClusterView',
    name: keyOf(view),
    ...underWay(tellView(view)),
    details: [`It asks for ${asked}`],
  };
}

/** The pattern by which Ramen recognises absence. */
const ABSENCE = /(not found|the server could not find the requested resource)$/;

function tellView({ metadata: { namespace = '' }, conditions }: ManagedClusterView): Telling {
  const said = conditionOf(conditions, PROCESSING);
  if (said === undefined) {
    const waitsFor = `a bridge that serves cluster ${namespace}`;
    return { state: 'Unanswered', outlook: 'Moving', summary: 'Nobody has answered it yet', waitsFor };
  }
  const { reason = '', message = '' } = said;
  const since = sinceOf(said);
  if (said.status === 'True')
    return { state: 'Shown', outlook: 'Idle', summary: 'It shows the object as it is', ...since };
  if (reason === 'GetResourceFailed' && ABSENCE.test(message)) {
    return { state: 'Absent', outlook: 'Idle', summary: `There is no such object on cluster ${namespace}`, ...since };
  }
  const state = VIEW_REASONS.find((each) => each === reason) ?? 'GetResourceFailed';
  return {
    state,
    outlook: 'Stuck',
    summary: message,
    waitsFor: VIEW_REMEDIES[state] ?? `cluster ${namespace}`,
    ...since,
  };
}

const VIEW_REMEDIES: Readonly<Record<string, string>> = {
  ResourceNameInvalid: 'whoever made the view: its name or namespace is none',
  ResourceTypeInvalid: 'whoever made the view: its kind is none, or not to be shown',
  ResourceGVKInvalid: 'the definition of the kind on the cluster; it is answered as soon as that comes',
};

export function explainMode(mode: MaintenanceMode): Explanation {
  const { spec, status } = mode;
  return {
    kind: 'MaintenanceMode',
    name: keyOf(mode),
    ...underWay(tellMode(mode)),
    details: [
      `Storage provisioner ${spec.storageProvisioner}, target ${spec.targetID || 'any'}, modes ${spec.modes.join(', ') || 'none'}`,
      ...status.conditions.map(({ type, status: is, message }) => `${type} ${is}: ${message ?? ''}`),
    ],
  };
}

function tellMode(mode: MaintenanceMode): Telling {
  const { metadata, status } = mode;
  const said = conditionOf(status.conditions, 'FailoverActivated') ?? status.conditions[0];
  const isHeld = metadata.finalizers?.includes(MODE_FINALIZER) ?? false;
  const since = sinceOf(said);
  const message = said?.message ?? '';
  if (!isHeld && said === undefined) {
    const summary = 'Nobody has answered it: no provider has its storage provisioner and target, or none runs';
    return { state: mode.spec.modes.length === 0 ? 'NotOurs' : 'Unanswered', outlook: 'Waiting', summary };
  }
  if (isHeld && (isDeleting(mode) || mode.spec.modes.length === 0)) {
    return { state: 'Ending', outlook: 'Moving', summary: 'What was changed for it is being restored', ...since };
  }
  if (!isHeld) return { state: 'NotOurs', outlook: 'Idle', summary: message || 'Nothing is held for it', ...since };
  switch (status.state) {
    case 'Completed':
      return {
        state: 'Completed',
        outlook: 'Ready',
        summary: message,
        waitsFor: 'Ramen, which deletes it when the failover is over',
        ...since,
      };
    case 'Error': {
      const waitsFor = 'whoever can repair that; it is tried again all the time';
      return { state: 'Error', outlook: 'Stuck', summary: message, waitsFor, ...since };
    }
    default:
      return { state: 'Progressing', outlook: 'Moving', summary: message || 'It is being looked at', ...since };
  }
}

function underWay<T extends { readonly outlook: Outlook }>(telling: T): T & { readonly isUnderWay: boolean } {
  return { ...telling, isUnderWay: telling.outlook !== 'Idle' };
}

function conditionOf(conditions: readonly WorkCondition[], type: string): WorkCondition | undefined {
  return conditions.find((each) => each.type === type);
}

function sinceOf(condition: WorkCondition | undefined): { readonly since?: string } {
  const since = condition?.lastTransitionTime;
  return since === undefined ? {} : { since };
}
