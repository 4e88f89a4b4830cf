/** Trims controllers of Pods to the replicas that they ask for and the constraints on where their Pods run. See `trim.ts`. */
import { annotationOf } from '../../core/meta.ts';
import type { KubeObject, PodController, PodTemplate, Toleration } from '../../core/objects.ts';
import { KURED_LOCK } from '../../core/other-tools.ts';
import { fields, integer, listOf, present, type Raw, text, textMap } from '../http/json.ts';
import { metaOf, partsOf, type Trim } from './trim-meta.ts';
import { nodeSelectorOf } from './trim-selectors.ts';

/** StatefulSets, ReplicaSets and ReplicationControllers. */
export const trimReplicas: Trim<PodController> = (raw) => {
  const metadata = bareMetaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  return {
    metadata,
    spec: present({
      replicas: integer(spec.replicas),
      minReadySeconds: integer(spec.minReadySeconds),
      template: templateOf(spec),
    }),
    status: present({ availableReplicas: integer(status.availableReplicas) }),
  };
};

/** The annotations are kept since kured's lock is an annotation of its DaemonSet. */
export const trimDaemonSet: Trim<PodController> = (raw) => {
  const whole = metaOf(raw);
  const bare = bareMetaOf(raw);
  if (whole === undefined || bare === undefined) return undefined;
  const lock = annotationOf({ metadata: whole }, KURED_LOCK);
  const metadata = lock === undefined ? bare : { ...bare, annotations: { [KURED_LOCK]: lock } };
  const { spec, status } = partsOf(raw);
  return {
    metadata,
    spec: present({ minReadySeconds: integer(spec.minReadySeconds), template: templateOf(spec) }),
    status: present({ availableReplicas: integer(status.numberAvailable) }),
  };
};

/** Drops labels and annotations, which make up most of the rest of a ReplicaSet. */
function bareMetaOf(raw: unknown): KubeObject['metadata'] | undefined {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { labels: _, annotations: __, ...rest } = metadata;
  return rest;
}

/** Keeps the parts of a controller's Pod template that are read. */
export function templateOf(spec: Raw): PodTemplate | undefined {
  const pod = fields(fields(spec.template)?.spec);
  if (pod === undefined) return undefined;
  const affinity = fields(fields(pod.affinity)?.nodeAffinity);
  const template: PodTemplate = present({
    nodeName: text(pod.nodeName),
    nodeSelector: textMap(pod.nodeSelector),
    requiredNodeAffinity: nodeSelectorOf(affinity?.requiredDuringSchedulingIgnoredDuringExecution),
    tolerations: listOf(pod.tolerations, tolerationOf),
  });
  return Object.keys(template).length === 0 ? undefined : template;
}

/** An entry without a key is valid: with `Exists` it tolerates everything. */
export function tolerationOf(raw: Raw): Toleration {
  const [key, operator] = [text(raw.key), text(raw.operator)];
  return present({ key, operator, value: text(raw.value), effect: text(raw.effect) });
}
