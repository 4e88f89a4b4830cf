/** Builds the programs of others that checks run besides the control plane, where they are not in the cache yet; so that the progress of a first build is seen. */
import { ensureSchemas } from '../test/chart/schemas.ts';
import { ensureClusterApi } from '../test/controlplane/cluster-api.ts';
import { CHART_TOOLS, ensureTools, PROMETHEUS_TOOLS } from '../test/tools/tools.ts';

for (const paths of [await ensureTools(CHART_TOOLS), await ensureTools(PROMETHEUS_TOOLS)]) {
  for (const path of Object.values(paths)) console.log(path);
}
// Of the oldest version of Kubernetes that the chart is for, whose sources are 20 MB to fetch.
await ensureSchemas();
console.log(await ensureClusterApi());
