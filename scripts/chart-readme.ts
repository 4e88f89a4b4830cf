/** Writes the chart's README from its template and the comments of its values, with helm-docs. Run with `npm run docs:chart`. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runTool, type ToolResult } from '../harness/tools/run.ts';
import { CHART_TOOLS, ensureTools } from '../harness/tools/tools.ts';
import { CHART } from './chart-parts.ts';

const DIRECTORY = resolve(import.meta.dirname, '..', CHART);

/** The content that the README should have, on the standard output. helm-docs always exits with 0: its errors are on stderr. */
export function renderReadme(helmDocs: string): Promise<ToolResult> {
  return runTool(helmDocs, [
    '--dry-run',
    `--chart-search-root=${DIRECTORY}`,
    '--sort-values-order=file',
    '--log-level=warning',
  ]);
}

if (import.meta.main) {
  const { code, stdout, stderr } = await renderReadme((await ensureTools(CHART_TOOLS))['helm-docs']);
  if (code === 0 && stderr === '') writeFileSync(join(DIRECTORY, 'README.md'), stdout);
  else throw new Error(`helm-docs ended with ${code}: ${stderr}`);
}
