/**
 * Builds the programs of others that tests run, where they are not in the cache yet: before the tests and never inside one, so that
 * the progress of a first build is seen and no test waits for it. Where something cannot be built, the tests that need it say so.
 */
import { ensureBinaries, lackingBuild } from '../controlplane/binaries.ts';
import { ensureClusterApi } from '../controlplane/cluster-api.ts';
import { ensureSchemas } from './tools/schemas.ts';
import { CHART_TOOLS, ensureTools, PROMETHEUS_TOOLS } from './tools/tools.ts';

/** What judges the chart and the alert rules; the schemas come from the modules of two releases of Kubernetes, 20 MB to fetch each. */
export async function buildTools(): Promise<void> {
  await ensureTools(CHART_TOOLS);
  await ensureSchemas();
  await ensureTools(PROMETHEUS_TOOLS);
}

/** What the tests on a real control plane run besides those tools. */
export async function buildControlPlane(): Promise<void> {
  await ensureBinaries();
  await ensureClusterApi();
}

/** For `globalSetup`, so that a single file of tests can be run on a fresh machine too. Nothing is left to do in `npm test`. */
export async function setup(project: { readonly name: string }): Promise<void> {
  if (lackingBuild() !== undefined) return;
  await buildTools();
  if (project.name === 'controlplane') await buildControlPlane();
}
