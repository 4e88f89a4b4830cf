/** The workflows cannot run here, but their contents are checked: pinned actions, least rights, existing names. */
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
  readonly environment?: string;
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
      'nightly.yaml differential': { contents: 'read' },
      'nightly.yaml properties': { contents: 'read' },
      'nightly.yaml matrix': { contents: 'read' },
      'nightly.yaml once': { contents: 'read' },
      'release.yaml version': { contents: 'read' },
      'release.yaml test': { contents: 'read' },
      'release.yaml sbom': { contents: 'read' },
      'release.yaml build': { contents: 'read', packages: 'write' },
      'release.yaml image': { packages: 'write', 'id-token': 'write', attestations: 'write' },
      'release.yaml chart': { contents: 'read', packages: 'write', 'id-token': 'write', attestations: 'write' },
      'release.yaml packages': { contents: 'read' },
      'release.yaml npm': { 'id-token': 'write', attestations: 'write' },
      'release.yaml publish': { contents: 'write' },
    });
  });

  // A package's install script runs with the rights of the build: it must not have access to signing.
  it('sign in no job that installs packages or builds', () => {
    const INSTALLS = /\bnpm (ci|install|run|exec)\b|\bnpx\b|buildx build|docker build|\.ci\/run/;
    const signing = jobs.filter(({ job }) => job.permissions?.['id-token'] === 'write');
    expect(signing.map(({ at }) => at)).toEqual(['release.yaml image', 'release.yaml chart', 'release.yaml npm']);
    const installing = signing.filter(({ job }) => job.steps?.some(({ run = '' }) => INSTALLS.test(run)));
    expect(installing.map(({ at }) => at)).toEqual([]);
    expect(signing.filter(({ job }) => job.steps?.some(({ uses = '' }) => /setup-node|cache/.test(uses)))).toEqual([]);
  });

  it('publish to npm with provenance, without a token, and run no script of the package', () => {
    const publishing = steps.filter(({ step }) => step.run?.includes('npm publish'));
    expect(publishing.map(({ at, job }) => [at, job.environment])).toEqual([['release.yaml npm', 'release']]);
    const [{ step, job } = { step: {}, job: {} }] = publishing;
    expect(step.run).toMatch(/npm publish \.\/dist\/\S+\.tgz .*--provenance .*--ignore-scripts/);
    expect(JSON.stringify(job)).not.toMatch(/secrets\.|TOKEN|checkout/);
  });

  it('write nothing outside a protected environment, and release only what is on main', () => {
    const writing = jobs.filter(({ job }) => Object.values(job.permissions ?? {}).includes('write'));
    expect(writing.filter(({ job }) => job.environment !== 'release').map(({ at }) => at)).toEqual([]);
    const [first] = steps.filter(({ at, step }) => at === 'release.yaml version' && step.run !== undefined);
    expect(first?.step.run).toContain('git merge-base --is-ancestor "$GITHUB_SHA" origin/main');
    const unchecked = jobs.filter(
      ({ at, job }) => at.startsWith('release.yaml') && at !== 'release.yaml version' && listOf(job.needs).length === 0,
    );
    expect(unchecked.map(({ at }) => at)).toEqual([]);
  });

  it('end by themselves, and leave no credentials in a checkout', () => {
    expect(jobs.filter(({ job }) => job.steps !== undefined && job['timeout-minutes'] === undefined)).toEqual([]);
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'));
    expect(checkouts.filter(({ step }) => step.with?.['persist-credentials'] !== false)).toEqual([]);
  });

  // A branch or a tag can have any name: in a script it would be executed as code.
  it('put no expression into a script', () => {
    expect(steps.filter(({ step }) => step.run?.includes('${{')).map(({ at }) => at)).toEqual([]);
  });

  it('run npm scripts and files that exist', () => {
    const scripts = steps.flatMap(({ step }) =>
      [...(step.run ?? '').matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name),
    );
    expect(scripts).toContain('sbom');
    expect(scripts.filter((name = '') => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
    for (const path of ['.ci/run', 'charts/maintenance-bridge/Chart.yaml', 'controlplane/tools/kubernetes/go.mod']) {
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
    const build = steps.find(({ at, step }) => at === 'release.yaml build' && step.run?.includes('buildx build'));
    const given = [...(build?.step.run ?? '').matchAll(/--build-arg=(\w+)/g)].map(([, name = '']) => name);
    expect(given.filter((name) => !named.includes(name))).toEqual([]);
    expect(given).toEqual(expect.arrayContaining(['NODE_DIGEST', 'BASE_DIGEST']));
  });
});
