/** The chart as it is published: its README, its versions, its own tests, and what goes into the archive. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART_DIRECTORY } from '../../harness/chart.ts';
import { runTool } from '../../harness/tools/run.ts';
import { KUBERNETES_VERSIONS } from '../../harness/tools/schemas.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';
import manifest from '../../package.json' with { type: 'json' };
import { renderReadme } from '../../scripts/chart-readme.ts';

const read = (name: string): string => readFileSync(join(CHART_DIRECTORY, name), 'utf8');
const chart = parse(read('Chart.yaml')) as {
  readonly version: string;
  readonly appVersion: string;
  readonly kubeVersion: string;
};

describe('Chart.yaml', () => {
  it('has the versions of package.json', () => {
    expect({ version: chart.version, appVersion: chart.appVersion }).toEqual({
      version: manifest.version,
      appVersion: manifest.version,
    });
  });

  it('allows the releases that the manifests are validated for, and the one of the tests', () => {
    const [oldest = '', newest = ''] = KUBERNETES_VERSIONS;
    expect(chart.kubeVersion).toBe(`>=${oldest.replace(/\.\d+$/, '.0')}-0`);
    const goMod = readFileSync(join(import.meta.dirname, '../../controlplane/tools/kubernetes/go.mod'), 'utf8');
    expect(goMod).toContain(`k8s.io/kubernetes v${newest}`);
  });
});

describeWithTools('the chart', [CHART_TOOLS], (get) => {
  it('has the README that helm-docs makes of its values', async () => {
    const { code, stdout, stderr } = await renderReadme(get()['helm-docs']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(read('README.md'), 'run npm run docs:chart').toBe(stdout);
    const values = stdout.split('\n').filter((line) => /^\| [a-zA-Z.]+ \| [a-z]+ \|/.test(line));
    expect(values.length).toBeGreaterThan(50);
    expect(values.filter((line) => /\|\s*\|$/.test(line))).toEqual([]);
  });

  it('passes its own tests', async () => {
    const { code, stdout, stderr } = await runTool(get()['helm-unittest'], [
      '--strict',
      '--file=unittests/*_test.yaml',
      CHART_DIRECTORY,
    ]);
    expect(code, stdout + stderr).toBe(0);
  });

  // Not as the default of a value: `helm upgrade --reuse-values` would keep it, and run the old image under a new tag.
  it.each([
    { what: 'the image that it was released with', values: [], image: `${chart.version}@sha256:${'a'.repeat(64)}` },
    { what: 'another one by its tag alone', values: ['--set=image.tag=other'], image: 'other' },
  ])('names $what once it is published', async ({ values, image }) => {
    const directory = mkdtempSync(join(tmpdir(), 'chart-'));
    try {
      cpSync(CHART_DIRECTORY, directory, { recursive: true });
      const digest = `"sha256:${'a'.repeat(64)}"`;
      const published = read('Chart.yaml').replace(/^( {2}maintenance-bridge\.io\/image-digest: )""$/m, `$1${digest}`);
      expect(published).toContain(digest);
      writeFileSync(join(directory, 'Chart.yaml'), published);
      const { stdout } = await runTool(get().helm, ['template', 'release', directory, ...values]);
      const images = [...stdout.matchAll(/^ +image: (.*)$/gm)].map(([, name]) => name);
      const expected = `ghcr.io/maintenance-bridge/maintenance-bridge:${image}`;
      expect(images).toEqual([expected, expected, expected]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('is packaged without what only its development needs', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'chart-'));
    try {
      const packaged = await runTool(get().helm, ['package', CHART_DIRECTORY, `--destination=${directory}`]);
      expect(packaged.stderr).toBe('');
      const archive = join(directory, `maintenance-bridge-${chart.version}.tgz`);
      const { stdout } = await runTool('tar', ['--list', '--gzip', '--file', archive]);
      const files = stdout.trimEnd().split('\n');
      expect(files).toEqual(
        expect.arrayContaining(
          ['values.schema.json', 'README.md', 'files/alerts.yaml'].map((name) => `maintenance-bridge/${name}`),
        ),
      );
      expect(files.filter((name) => /\/(ci|unittests)\/|gotmpl/.test(name))).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
