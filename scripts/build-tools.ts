/** Builds the programs of others that checks run, where they are not in the cache yet; so that the progress of a first build is seen. */
import { CHART_TOOLS, ensureTools, PROMETHEUS_TOOLS } from '../test/tools/tools.ts';

for (const toolbox of [CHART_TOOLS, PROMETHEUS_TOOLS]) {
  for (const path of Object.values(await ensureTools(toolbox))) console.log(path);
}
