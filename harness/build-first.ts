/**
 * Builds the third-party programs that tests run, if they are not in the cache yet: before the tests and never inside one, so that the
 * progress of a first build is visible and no test waits for it. If a program cannot be built, the tests that need it say so.
 */
import { ensureBinaries, lackingBuild } from '../controlplane/binaries.ts';
import { ensureClusterApi } from '../controlplane/cluster-api.ts';
import { ensureSchemas } from './tools/schemas.ts';
import { CHART_TOOLS, ensureTools, PROMETHEUS_TOOLS } from './tools/tools.ts';

/**
 * Builds the tools that check the chart and the alert rules; the schemas come from the modules of two releases of Kubernetes, a download of
 * 20 MB each.
 */
export async function buildTools(): Promise<void> {
  await ensureTools(CHART_TOOLS);
  await ensureSchemas();
  await ensureTools(PROMETHEUS_TOOLS);
}

/** Builds the other programs that tests on a real control plane run. */
export async function buildControlPlane(): Promise<void> {
  await ensureBinaries();
  await ensureClusterApi();
}

/** For `globalSetup`, so that a single test file can be run on a fresh machine too. In `npm test` everything is built by then. */
export async function setup(project: { readonly name: string }): Promise<void> {
  if (lackingBuild() !== undefined) return;
  await buildTools();
  if (project.name === 'controlplane') await buildControlPlane();
}
