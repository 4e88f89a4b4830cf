/** All rendered objects are valid for every supported Kubernetes release. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { CHART_DIRECTORY, CI_VALUES, tryRendering } from '../../harness/chart.ts';
import { runTool, type ToolResult } from '../../harness/tools/run.ts';
import { ensureSchemas, KUBERNETES_VERSIONS, lackingSchemas } from '../../harness/tools/schemas.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';

describeWithTools('a rendering', [CHART_TOOLS], (get) => {
  it.each(CI_VALUES)('with %s passes `helm lint --strict`', async (name) => {
    const values = `--values=${join(CHART_DIRECTORY, 'ci', name)}`;
    const { code, stdout, stderr } = await runTool(get().helm, [
      'lint',
      '--strict',
      '--quiet',
      CHART_DIRECTORY,
      values,
    ]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('is refused for a release older than the chart allows', async () => {
    const { code, stderr } = await tryRendering(get().helm, { kubeVersion: '1.29.0' });
    expect(code).not.toBe(0);
    expect(stderr).toContain('chart requires kubeVersion: >=1.30.0-0');
  });
});

describeWithTools(
  'beside the schemas of Kubernetes and of the Prometheus operator, a rendering',
  [CHART_TOOLS],
  (get) => {
    let locations: readonly string[] = [];
    beforeAll(async () => {
      locations = (await ensureSchemas()).flatMap((location) => ['-schema-location', location]);
    });

    const validate = (input: string, version: string): Promise<ToolResult> => {
      const options = ['-strict', '-summary', '-kubernetes-version', version];
      return runTool(get().kubeconform, [...options, ...locations], { input });
    };

    it.each(CI_VALUES.flatMap((name) => KUBERNETES_VERSIONS.map((version) => ({ name, version }))))(
      'with $name is valid for $version',
      async ({ name, version }) => {
        const rendered = await tryRendering(get().helm, { ci: [name], kubeVersion: version });
        expect(rendered.stderr).toBe('');
        const { code, stdout } = await validate(rendered.stdout, version);
        expect(code, stdout).toBe(0);
        expect(stdout).toMatch(/Invalid: 0, Errors: 0, Skipped: 0/);
      },
    );

    it.each(KUBERNETES_VERSIONS)('is refused for %s once a field is misspelt', async (version) => {
      const { stdout: rendered } = await tryRendering(get().helm);
      const { code, stdout } = await validate(rendered.replace('serviceAccountName', 'serviceAcountName'), version);
      expect(code).toBe(1);
      expect(stdout).toContain('serviceAcountName');
    });

    it.each(KUBERNETES_VERSIONS)('has rules for workload clusters that are valid for %s', async (version) => {
      const manifest = readFileSync(join(CHART_DIRECTORY, 'files/workload-cluster.yaml'), 'utf8');
      const { code, stdout } = await validate(manifest, version);
      expect(code, stdout).toBe(0);
      expect(stdout).toContain('7 resources found');
    });
  },
  lackingSchemas(),
);
