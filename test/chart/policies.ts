/** Reads the contents of rendered admission policies for tests. */
import { type Manifest, ofKind } from '../../harness/chart.ts';

export interface PolicyManifest extends Manifest {
  readonly spec: {
    readonly failurePolicy: string;
    readonly matchConstraints: { readonly resourceRules: readonly [Rule] };
    readonly matchConditions: readonly { readonly expression: string }[];
    readonly variables?: readonly { readonly name: string; readonly expression: string }[];
  };
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly string[];
}

export function policiesIn(manifests: readonly Manifest[]): readonly PolicyManifest[] {
  return ofKind(manifests, 'ValidatingAdmissionPolicy') as readonly PolicyManifest[];
}

/** The keys of annotations and labels that an update may change. */
export function allowedKeys(policies: readonly PolicyManifest[]): readonly string[] {
  const expressions = policies.flatMap(({ spec }) => spec.variables ?? []).filter(({ name }) => name === 'may');
  const lists = expressions.flatMap(({ expression }) => [
    ...expression.matchAll(/"metadata\.(?:annotations|labels)\.": (\[.*?\])/g),
  ]);
  return lists.flatMap(([, list = '[]']) => JSON.parse(list) as readonly string[]);
}
