/** Renders the chart, and finds objects in it for tests. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { CHART } from '../scripts/chart-parts.ts';
import { type Inputs, resolveOptions } from '../src/config/resolve.ts';
import type { RunOptions } from '../src/config/schema.ts';
import { runTool, type ToolResult } from './tools/run.ts';

export const CHART_DIRECTORY = resolve(import.meta.dirname, '..', CHART);

/** Example values of installations, all of which are linted, rendered and validated. */
export const CI_VALUES: readonly string[] = readdirSync(join(CHART_DIRECTORY, 'ci')).sort();

/** A rendered object; further fields depend on its kind, and the test knows them. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface Rendering {
  readonly values?: object;
  /** Names of files in `ci/`, which come before `values`. */
  readonly ci?: readonly string[];
  /** @default maintenance-bridge */
  readonly release?: string;
  readonly kubeVersion?: string;
}

/** The namespace that charts are rendered for. */
export const NAMESPACE = 'ours';

/** Runs `helm template`, whatever its result. */
export function tryRendering(
  helm: string,
  { values = {}, ci = [], release = 'maintenance-bridge', kubeVersion }: Rendering = {},
): Promise<ToolResult> {
  const files = ci.map((name) => `--values=${join(CHART_DIRECTORY, 'ci', name)}`);
  const version = kubeVersion === undefined ? [] : [`--kube-version=${kubeVersion}`];
  return runTool(
    helm,
    ['template', release, CHART_DIRECTORY, `--namespace=${NAMESPACE}`, ...files, '--values=-', ...version],
    { input: JSON.stringify(values) },
  );
}

/** The objects of a rendering that succeeds. */
export async function render(helm: string, rendering: Rendering = {}): Promise<readonly Manifest[]> {
  const { code, stdout, stderr } = await tryRendering(helm, rendering);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return manifestsIn(stdout);
}

/** The error message of a rendering that must fail. */
export async function refusal(helm: string, values: object): Promise<string> {
  const { code, stderr } = await tryRendering(helm, { values });
  expect(code, 'the exit code of `helm template`').not.toBe(0);
  return stderr;
}

export function manifestsIn(text: string): readonly Manifest[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  return documents.flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}

export function ofKind(manifests: readonly Manifest[], kind: string): readonly Manifest[] {
  return manifests.filter((manifest) => manifest.kind === kind);
}

/** The one object of its kind. */
export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const found = ofKind(manifests, kind);
  expect(found.map(({ metadata }) => metadata.name)).toHaveLength(1);
  return found[0] as Manifest;
}

/** The options that the program resolves from the rendered file of `run --config`. */
export function optionsIn(manifests: readonly Manifest[]): RunOptions {
  return accepted(new Map([['config', ['/etc/maintenance-bridge/config.yaml']]]), configurationIn(manifests));
}

/** The options that the program resolves from flags and a file, in a Pod of `NAMESPACE`. */
export function accepted(flags: Inputs['flags'], file: string): RunOptions {
  const resolved = resolveOptions({ flags, env: { POD_NAMESPACE: NAMESPACE }, readFile: () => file });
  return resolved.is === 'ok' ? resolved.options : expect.fail(resolved.faults.join('\n'));
}

export function configurationIn(manifests: readonly Manifest[]): string {
  const maps = ofKind(manifests, 'ConfigMap').map(({ data }) => data as Readonly<Record<string, string>>);
  return maps.find((data) => data['config.yaml'] !== undefined)?.['config.yaml'] ?? '';
}
