/** What the program changes on objects, by the keys of the code: all that the chart's admission policies let it change. */
import {
  HOOK_ANNOTATION,
  MAINTENANCE_LABEL,
  SKIP_REMEDIATION_ANNOTATION,
  SKIP_REMEDIATION_OWNER,
} from '../src/core/machine-keys.ts';
import { BARE_METAL_HOST, MACHINE } from '../src/core/machine-objects.ts';
import { NODE, POD } from '../src/core/objects.ts';
import type { Resource } from '../src/core/resources.ts';
import { STORED_POD_TYPE, secretNameOf } from '../src/core/stored-pods.ts';
import { POWER_ANNOTATION, REBOOT_ANNOTATION } from '../src/metal3/names.ts';
import {
  CONDITIONS,
  CORDON_ANNOTATION,
  DEFAULT_REJECTION_ANNOTATION,
  FAILURE_REASONS,
  MESSAGE_SUFFIX,
  PRESETS,
  REJECTION_MARKER,
  REPORT_ANNOTATION,
} from '../src/tmm/names.ts';

/** What one part of the program changes on objects of one kind. */
interface Writes {
  readonly on: Resource<unknown>;
  readonly annotations?: readonly string[];
  readonly labels?: readonly string[];
  /** Fields of `spec`. */
  readonly spec?: readonly string[];
  /** Types of conditions in `status`. */
  readonly conditions?: readonly string[];
}

/** By the condition under which it is written; the template decides which apply. */
const WRITES: Readonly<Record<string, readonly Writes[]>> = {
  tmm: [
    { on: NODE, annotations: [REPORT_ANNOTATION], conditions: CONDITIONS },
    // The rejection's own keys are settings; see `rejection` below.
    { on: POD, annotations: [REJECTION_MARKER] },
  ],
  'tmm.cordon': [{ on: NODE, annotations: [CORDON_ANNOTATION], spec: ['unschedulable'] }],
  clusterApi: [{ on: MACHINE, annotations: [HOOK_ANNOTATION], labels: [MAINTENANCE_LABEL] }],
  metal3: [
    { on: MACHINE, annotations: [SKIP_REMEDIATION_ANNOTATION, SKIP_REMEDIATION_OWNER] },
    { on: BARE_METAL_HOST, annotations: [REBOOT_ANNOTATION, POWER_ANNOTATION] },
  ],
};

const rejectionOfPreset = Object.fromEntries(
  Object.entries(PRESETS).flatMap(([name, taint]) =>
    'rejectionAnnotation' in taint ? [[name, taint.rejectionAnnotation]] : [],
  ),
);

/** Bodies of templates by name, each of them YAML that `fromYaml` reads. */
export function policyData(): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(WRITES).map(([name, writes]) => [`writes.${name}`, byResource(writes)] as const),
    [
      'rejection',
      yaml({
        annotation: DEFAULT_REJECTION_ANNOTATION,
        ofPreset: rejectionOfPreset,
        suffix: MESSAGE_SUFFIX,
        reasons: FAILURE_REASONS,
      }),
    ],
    ['storedPod', yaml({ type: STORED_POD_TYPE, prefix: secretNameOf('') })],
  ]);
}

/** Resources as rules name them in full, `machines.cluster.x-k8s.io`. */
function byResource(writes: readonly Writes[]): string {
  return yaml(
    Object.fromEntries(
      writes.map(({ on: { plural, group }, ...fields }) => [group === '' ? plural : `${plural}.${group}`, fields]),
    ),
  );
}

/** One line per key; JSON is YAML. */
function yaml(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}
