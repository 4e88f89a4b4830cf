/** The workflows cannot run here; what can be read off them is held: pinned actions, least rights, names that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { parseDockerfile } from '../../scripts/dockerfile.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER = '.github/workflows';

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}
interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflows = readdirSync(join(ROOT, FOLDER)).map((file) => {
  const text = readFileSync(join(ROOT, FOLDER, file), 'utf8');
  return { file, text, workflow: parse(text) as Workflow };
});
const jobs = workflows.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ at: `${file} ${name}`, workflow, job })),
);
const steps = jobs.flatMap(({ at, job }) => (job.steps ?? []).map((step) => ({ at, job, step })));
const listOf = (needs: Job['needs']): readonly string[] => (typeof needs === 'string' ? [needs] : (needs ?? []));

describe('the workflows', () => {
  it('use actions by commit, with the version beside it', () => {
    const lines = workflows.flatMap(({ text }) => text.split('\n').filter((line) => /^\s*-?\s*uses:/.test(line)));
    const foreign = lines.map((line) => line.replace(/^\s*-?\s*uses:\s*/, '')).filter((use) => !use.startsWith('./'));
    expect(foreign.length).toBeGreaterThan(10);
    expect(foreign.filter((use) => !/^[\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(use))).toEqual([]);
  });

  it('use one version of each action', () => {
    const uses = new Set(steps.flatMap(({ step }) => step.uses ?? []));
    const actions = [...uses].map((use) => use.split('@')[0]);
    expect(actions).toHaveLength(new Set(actions).size);
  });

  it('call workflows that exist', () => {
    const called = jobs.flatMap(({ job }) => job.uses ?? []);
    expect(called.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('grant nothing by default, and each job what it needs', () => {
    expect(
      workflows.filter(({ workflow }) => JSON.stringify(workflow.permissions) !== '{}').map(({ file }) => file),
    ).toEqual([]);
    const granted = Object.fromEntries(jobs.map(({ at, job }) => [at, job.permissions]));
    expect(granted).toEqual({
      'ci.yaml test': { contents: 'read' },
      'ci.yaml image': { contents: 'read' },
      'release.yaml version': { contents: 'read' },
      'release.yaml test': { contents: 'read' },
      'release.yaml image': { contents: 'read', packages: 'write', 'id-token': 'write', attestations: 'write' },
      'release.yaml chart': { contents: 'read', packages: 'write', 'id-token': 'write', attestations: 'write' },
      'release.yaml publish': { contents: 'write' },
    });
  });

  it('end by themselves, and leave no credentials in a checkout', () => {
    expect(jobs.filter(({ job }) => job.steps !== undefined && job['timeout-minutes'] === undefined)).toEqual([]);
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'));
    expect(checkouts.filter(({ step }) => step.with?.['persist-credentials'] !== false)).toEqual([]);
  });

  // A branch or a tag can have any name: in a script it would be code.
  it('put no expression into a script', () => {
    expect(steps.filter(({ step }) => step.run?.includes('${{')).map(({ at }) => at)).toEqual([]);
  });

  it('run npm scripts and files that exist', () => {
    const scripts = steps.flatMap(({ step }) =>
      [...(step.run ?? '').matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name),
    );
    expect(scripts).toContain('sbom');
    expect(scripts.filter((name = '') => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
    for (const path of [
      '.ci/run',
      'charts/maintenance-bridge/Chart.yaml',
      'test/controlplane/tools/kubernetes/go.mod',
    ]) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
    }
  });

  it('refer to jobs, steps and outputs that exist', () => {
    for (const { at, workflow, job } of jobs) {
      const others = listOf(job.needs);
      expect(
        others.filter((name) => !Object.hasOwn(workflow.jobs, name)),
        at,
      ).toEqual([]);
      const text = JSON.stringify(job);
      const ids = (job.steps ?? []).flatMap(({ id }) => id ?? []);
      const referred = [...text.matchAll(/steps\.(\w+)\.outputs/g)].map(([, id]) => id);
      expect(
        referred.filter((id = '') => !ids.includes(id)),
        at,
      ).toEqual([]);
      for (const [, name = '', output = ''] of text.matchAll(/needs\.(\w+)\.outputs\.(\w+)/g)) {
        expect(others, at).toContain(name);
        expect(Object.keys(workflow.jobs[name]?.outputs ?? {}), at).toContain(output);
      }
    }
  });

  it('give the build every argument that the Dockerfile pins its bases by', () => {
    const { global, stages } = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
    const named = [...global, ...stages.flatMap(({ instructions }) => instructions)]
      .filter(({ keyword }) => keyword === 'ARG')
      .map(({ text }) => text.split('=')[0] ?? '');
    const build = steps.find(({ at, step }) => at === 'release.yaml image' && step.run?.includes('buildx build'));
    const given = [...(build?.step.run ?? '').matchAll(/--build-arg=(\w+)/g)].map(([, name = '']) => name);
    expect(given.filter((name) => !named.includes(name))).toEqual([]);
    expect(given).toEqual(expect.arrayContaining(['NODE_DIGEST', 'BASE_DIGEST']));
  });
});
