/** The direction of dependencies: `core` ← features ← `main`, and `core` ← adapters ← `main`. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crossings, isDecision } from '../harness/architecture/border.ts';
import { readSources } from '../harness/architecture/source-files.ts';

const SRC = resolve(import.meta.dirname, '../src');
const FEATURES = ['tmm', 'capi', 'metal3', 'ramen'];
const ADAPTERS = ['kube', 'runtime', 'obs'];

interface Import {
  readonly from: string;
  readonly specifier: string;
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => join(SRC, file));

const imports: readonly Import[] = sources.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/^\s*(?:import|export)\b[^;]*?from\s+'([^']+)'/gm)].map((match) => ({
    from: relative(SRC, file).split(sep).join('/'),
    specifier: match[1] ?? '',
  })),
);

/** The top folder (or file) of `src` to which a relative import refers; undefined for a package. */
function targetOf({ from, specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return relative(SRC, resolve(SRC, dirname(from), specifier))
    .split(sep)
    .join('/');
}

const folderOf = (path: string): string => path.split('/')[0] ?? path;
const offenders = (isWrong: (found: Import, target: string | undefined) => boolean): string[] =>
  imports
    .filter((found) => isWrong(found, targetOf(found)))
    .map(({ from, specifier }) => `${from} imports ${specifier}`);

describe('dependencies', () => {
  it('core imports nothing outside core but zod', () => {
    expect(
      offenders(({ from, specifier }, target) => {
        if (folderOf(from) !== 'core' || specifier === 'zod') return false;
        return target === undefined || folderOf(target) !== 'core';
      }),
    ).toEqual([]);
  });

  it('features import core and themselves, no adapter, no other feature and no main', () => {
    expect(
      offenders(({ from }, target) => {
        const folder = folderOf(from);
        return FEATURES.includes(folder) && target !== undefined && ![folder, 'core'].includes(folderOf(target));
      }),
    ).toEqual([]);
  });

  it('adapters import core and adapters, no feature', () => {
    expect(
      offenders(
        ({ from }, target) =>
          ADAPTERS.includes(folderOf(from)) &&
          target !== undefined &&
          ![...ADAPTERS, 'core'].includes(folderOf(target)),
      ),
    ).toEqual([]);
  });

  it('only kube imports node’s network modules', () => {
    const network = /^(@kubernetes\/client-node|(node:)?(https|http2|tls|net)|undici)(\/|$)/;
    expect(offenders(({ from, specifier }) => folderOf(from) !== 'kube' && network.test(specifier))).toEqual([]);
  });

  it('only kube/auth/credentials.ts imports the client library', () => {
    expect(
      offenders(
        ({ from, specifier }) => specifier.startsWith('@kubernetes/client-node') && from !== 'kube/auth/credentials.ts',
      ),
    ).toEqual([]);
  });

  it('runtime knows nothing of kube', () => {
    expect(
      offenders(
        ({ from }, target) => folderOf(from) === 'runtime' && target !== undefined && folderOf(target) === 'kube',
      ),
    ).toEqual([]);
  });

  it('there is no import cycle', () => {
    const edges = new Map<string, string[]>();
    for (const found of imports) {
      const target = targetOf(found);
      if (target !== undefined) edges.set(found.from, [...(edges.get(found.from) ?? []), target]);
    }
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      if (done.has(file) || trail.includes(file)) return;
      for (const next of edges.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    };
    for (const file of edges.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

describe('the border around decisions', () => {
  const all = readSources(resolve(SRC, '..'), ['src']);

  it('is drawn around every decision', () => {
    const decisions = [...all.keys()].filter(isDecision);
    expect(decisions).toEqual(
      expect.arrayContaining([
        'src/tmm/decide/decide.ts',
        'src/tmm/decide/evictions.ts',
        'src/tmm/rules/verdict.ts',
        'src/tmm/explain/plan.ts',
        'src/capi/decide.ts',
        'src/capi/explain.ts',
      ]),
    );
  });

  it('is crossed by nothing: no clock, chance, process, network or waiting, and no import from elsewhere', () => {
    expect(crossings(all)).toEqual([]);
  });
});
