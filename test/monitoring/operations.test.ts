/** docs/operations.md has a remedy for every phase, reason, cause, state and alert. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXPLAINED } from '../../src/app/features.ts';
import { CONNECTION_STATES } from '../../src/core/clusters.ts';
import { RESTART_REASONS } from '../../src/kube/cache/list-watch.ts';
import { CAUSES, FAILURE_REASONS } from '../../src/tmm/names.ts';
import { ROOT, RULES } from './files.ts';

const PAGE = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');

/** Sections about kinds that have other names there. */
const TITLES: Readonly<Record<string, string>> = { Node: 'A Node in each phase', BareMetalHost: 'Hosts' };

/** The required rows of each section. */
const SECTIONS: readonly { heading: string; words: readonly string[] }[] = [
  ...EXPLAINED.flatMap(({ resource: { kind }, overview }) =>
    overview === undefined ? [] : [{ heading: `## ${TITLES[kind] ?? `${kind}s`}`, words: overview.states }],
  ),
  { heading: '## Why a maintenance was rejected', words: FAILURE_REASONS },
  { heading: '## What blocks a Pod', words: CAUSES },
  { heading: '## Workload clusters', words: CONNECTION_STATES },
  { heading: '## Watch restarts', words: RESTART_REASONS },
  { heading: '## Exit codes', words: ['0', '1', '2', '3'] },
];

function sectionOf(heading: string): string {
  const [, after] = PAGE.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`There is no heading "${heading}"`);
  return after.split('\n## ')[0] ?? '';
}

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const HEADINGS = [...PAGE.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);

describe('docs/operations.md', () => {
  it.each(SECTIONS)('"$heading" has a row for each word, and no other', ({ heading, words }) => {
    const rows = [...sectionOf(heading).matchAll(/^\| `?(\w+)`? \|/gm)].map(([, word]) => word);
    // The first row is the table's head.
    expect(rows.slice(1)).toEqual(words);
  });

  it('has a heading for each alert, in the order of the rules', () => {
    expect(HEADINGS.filter((heading) => heading.startsWith('MaintenanceBridge'))).toEqual(
      RULES.map(({ alert }) => alert),
    );
  });

  it.each(RULES)('is where the runbook of $alert leads', ({ alert, annotations }) => {
    expect(annotations.runbook).toBe(`docs/operations.md#${anchorOf(alert)}`);
  });

  it('has no link within the page that leads nowhere', () => {
    const anchors = new Set(HEADINGS.map(anchorOf));
    const links = [...PAGE.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });
});
