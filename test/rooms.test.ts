/** The folders of the repository and the permitted imports between them. docs/decisions/0016-house.md explains them. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const ROOMS = ['src', 'sandbox', 'controlplane', 'harness', 'tour', 'scripts', 'bench', 'test'] as const;
type Room = (typeof ROOMS)[number];

interface Import {
  /** Paths from the root of the checkout, with forward slashes. */
  readonly from: string;
  readonly to: string;
}

const IMPORTS: readonly Import[] = ROOMS.flatMap((room) =>
  readdirSync(resolve(ROOT, room), { recursive: true, encoding: 'utf8' })
    .map((file) => posix.join(room, file.split(sep).join('/')))
    .filter((file) => file.endsWith('.ts') && !file.includes('/node_modules/'))
    .flatMap(importsOf),
);

function importsOf(from: string): readonly Import[] {
  const text = readFileSync(resolve(ROOT, from), 'utf8');
  const specifiers = text.matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm);
  return [...specifiers].map((match) => ({ from, to: posix.join(posix.dirname(from), match[1] ?? match[2] ?? '') }));
}

const roomOf = (path: string): string => path.split('/')[0] ?? path;
const isTest = ({ from }: Import): boolean => from.endsWith('.test.ts');
const written = ({ from, to }: Import): string => `${from} imports ${to}`;
const offenders = (isWrong: (found: Import) => boolean): readonly string[] => IMPORTS.filter(isWrong).map(written);

/** The folders that the code of a folder may import besides itself. Its tests may also use the test helpers and the sandbox. */
const MAY_IMPORT: Readonly<Record<Room, readonly Room[]>> = {
  src: [],
  sandbox: ['src'],
  controlplane: ['harness'],
  harness: ['src', 'sandbox', 'controlplane', 'scripts'],
  tour: ['src', 'sandbox', 'harness'],
  scripts: ['src', 'sandbox', 'controlplane', 'harness', 'tour'],
  bench: ['src', 'sandbox', 'controlplane', 'harness', 'scripts'],
  test: ['src', 'sandbox', 'controlplane', 'harness', 'tour', 'scripts', 'bench'],
};
const FOR_TESTS: readonly string[] = ['harness', 'sandbox'];

/** Public modules of the sandbox: the whole sandbox, only the server, requests, the simulated cluster, and the certificates. */
const DOOR: readonly string[] = ['sandbox.ts', 'start.ts', 'api.ts', 'cluster.ts', 'kinds.ts', 'certificates.ts'];

describe('the rooms', () => {
  it.each(ROOMS)('%s imports none but those below it', (room) => {
    const allowed: readonly string[] = [room, ...MAY_IMPORT[room]];
    const wrong = offenders(
      (found) =>
        roomOf(found.from) === room &&
        (ROOMS as readonly string[]).includes(roomOf(found.to)) &&
        !allowed.includes(roomOf(found.to)) &&
        !(isTest(found) && FOR_TESTS.includes(roomOf(found.to))),
    );
    expect(wrong).toEqual([]);
  });

  it('nothing imports test', () => {
    expect(offenders(({ from, to }) => roomOf(from) !== 'test' && roomOf(to) === 'test')).toEqual([]);
  });

  it('what needs a control plane is where the gate has built one', () => {
    const built = ['test/e2e/', 'test/scenarios/', 'test/conformance/', 'test/differential/'];
    const wrong = offenders(
      ({ from, to }) =>
        to === 'harness/suite.ts' && from.endsWith('.test.ts') && !built.some((room) => from.startsWith(room)),
    );
    expect(wrong).toEqual([]);
  });

  it('the sandbox is entered by its door', () => {
    const open = DOOR.map((module) => `sandbox/${module}`);
    const fromOutside = IMPORTS.filter(({ from, to }) => roomOf(from) !== 'sandbox' && roomOf(to) === 'sandbox');
    expect(fromOutside.filter(({ to }) => !open.includes(to)).map(written)).toEqual([]);
  });
});

/** Layers, the lowest first: each uses only those below it. Layers in the same list do not use each other. */
function describeLadder(under: string, rungs: readonly (readonly string[])[]): void {
  const heightOf = (path: string): number =>
    rungs.findIndex((rung) => rung.some((name) => path.startsWith(`${under}/${name}/`)));
  it(`${under}: each rung uses only those below it`, () => {
    const wrong = IMPORTS.filter((found) => {
      const [from, to] = [heightOf(found.from), heightOf(found.to)];
      if (isTest(found) || from === -1 || to === -1) return false;
      const isSameRoom = found.from.split('/')[2] === found.to.split('/')[2];
      return to > from || (to === from && !isSameRoom);
    });
    expect(wrong.map(written)).toEqual([]);
  });
}

describe('the ladders', () => {
  describeLadder('src/kube', [['auth'], ['http'], ['objects'], ['cache'], ['write'], ['workload']]);
  describeLadder('src/tmm', [['model'], ['rules'], ['decide', 'observe'], ['explain']]);
});
