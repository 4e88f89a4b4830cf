/**
 * Writes docs/flags.md, docs/metrics.md, docs/compatibility.md and parts of the Helm chart from the declarations in the code; `--check` only
 * compares. Run with `npm run docs`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ALL_METRICS } from '../src/app/metrics.ts';
import { OPTION_GROUPS } from '../src/config/options.ts';
import { type OptionRow, placeholderOf, variableOf } from '../src/core/option.ts';
import { CHART, chartParts } from './chart-parts.ts';
import { renderCompatibility } from './matrix/compatibility.ts';
import type { Results } from './matrix/results.ts';

const ROOT = resolve(import.meta.dirname, '..');
const RESULTS = JSON.parse(readFileSync(join(import.meta.dirname, 'matrix/results.json'), 'utf8')) as Results;

/** Paths from the root of the checkout, with the content that the files should have. */
export function generatedDocs(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/flags.md', renderFlags()],
    ['docs/metrics.md', renderMetrics()],
    ['docs/compatibility.md', renderCompatibility(RESULTS, table)],
    ...chartParts(readFileSync(join(ROOT, CHART, 'values.schema.json'), 'utf8')),
  ]);
}

function renderFlags(): string {
  const head = ['Flag', 'Variable', 'Key in the file', 'Values', 'Default', 'Meaning'];
  const sections = OPTION_GROUPS.map(({ title, rows }) => `## ${title}\n\n${table(head, rows.map(flagRow))}`);
  return `# Flags

Generated from the options in the code by \`npm run docs\`.

Every option of \`maintenance-bridge run\` can be set by a flag or an environment variable, and, if a key is given below, in
the file of \`--config\`. A flag takes precedence over a variable, a variable over the file, and the file over the default. An empty variable
counts as not set. Boolean flags have the forms \`--flag\`, \`--flag=true\` and \`--flag=false\`; durations look like \`90s\`,
\`5m\` or \`1h30m\`; a list flag can be repeated or contain commas.

The file is YAML, \`apiVersion: maintenance-bridge.io/v1alpha1\`, \`kind: BridgeConfiguration\`. An error in a flag, a variable or the file
prevents the start: the exit code is 2, with one line per error.

${sections.join('\n')}`;
}

function flagRow(row: OptionRow): readonly string[] {
  const alias = row.alias === undefined ? '' : ` (or \`--${row.alias}\`)`;
  const standard = row.defaultText ?? `\`${row.default}\``;
  const values =
    row.values === undefined
      ? placeholderOf(row).replaceAll('|', ' or ')
      : row.values.map((value) => `\`${value}\``).join(', ');
  const key = row.inFile ? `\`${row.path.join('.')}\`` : '–';
  return [`\`--${row.flag}\`${alias}`, `\`${variableOf(row)}\``, key, values, standard, row.help];
}

function renderMetrics(): string {
  const rows = [...ALL_METRICS]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, help, labels }) => {
      const sets = Object.entries(labels).map(([label, values]) => {
        return `\`${label}\`: ${values.map((value) => `\`${value}\``).join(', ')}`;
      });
      return [`\`${name}\``, type, sets.length === 0 ? '–' : sets.join('<br>'), help];
    });
  return `# Metrics

Generated from the declarations in the code by \`npm run docs\`.

The metrics are served in the Prometheus text format at \`/metrics\` of \`--metrics-bind-address\`. Every series exists from the start, with the
value 0, and labels have closed sets of values: the name of a Node, a Pod or a namespace is never a label. Durations are in seconds.
In addition, the usual \`process_…\` and \`nodejs_…\` metrics describe the process itself.

${table(['Name', 'Type', 'Labels', 'Meaning'], rows)}`;
}

/** Columns are padded, as the formatter requires. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = [head, ...rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))];
  const widths = head.map((_, column) => Math.max(...escaped.map((row) => row[column]?.length ?? 0)));
  const [first, ...others] = escaped.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  return [first ?? [], rule, ...others].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** @returns undefined if there is no such file. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const isCheck = process.argv.includes('--check');
  const stale = [...generatedDocs()].filter(([path, content]) => readIfThere(join(ROOT, path)) !== content);
  for (const [path, content] of stale) {
    if (!isCheck) writeFileSync(join(ROOT, path), content);
    console.log(isCheck ? `${path} is stale: run npm run docs` : `${path} written`);
  }
  if (isCheck && stale.length > 0) process.exitCode = 1;
}
