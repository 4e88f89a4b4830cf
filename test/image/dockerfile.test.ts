/** The Dockerfile, as far as it can be checked without a container engine; `rootfs.test.ts` runs its result. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { copiesOf, lastOf, parseDockerfile, wordsOf } from '../../scripts/dockerfile.ts';
import { imageStage } from '../../scripts/image-rootfs.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('the Dockerfile', () => {
  const { global, stages } = parseDockerfile(read('Dockerfile'));
  const defaults = new Map(
    global.map(({ text }) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const),
  );
  const image = imageStage();

  it('takes each base by an image and a digest that are arguments', () => {
    expect(stages.map(({ from }) => from)).toEqual([
      expect.stringMatching(/^\$\{NODE_IMAGE\}\$\{NODE_DIGEST:\+@\$\{NODE_DIGEST\}\}$/),
      expect.stringMatching(/^\$\{NODE_IMAGE\}\$\{NODE_DIGEST:\+@\$\{NODE_DIGEST\}\}$/),
      expect.stringMatching(/^\$\{BASE_IMAGE\}\$\{BASE_DIGEST:\+@\$\{BASE_DIGEST\}\}$/),
    ]);
    expect([...defaults.keys()]).toEqual(['NODE_IMAGE', 'NODE_DIGEST', 'BASE_IMAGE', 'BASE_DIGEST']);
  });

  it('ships the version of Node.js that the tests run on', () => {
    expect(defaults.get('NODE_IMAGE')).toBe(`docker.io/library/node:${manifest.devDependencies.node}-trixie-slim`);
  });

  // The libraries of the base must not be older than those that Node.js was linked with.
  it('takes Node.js and the base from the same release of Debian', () => {
    expect(defaults.get('BASE_IMAGE')).toBe('gcr.io/distroless/cc-debian13:nonroot');
  });

  it('runs nothing in the image’s own stage, and takes nothing from the build context there', () => {
    expect(image.instructions.filter(({ keyword }) => keyword === 'RUN')).toEqual([]);
    expect(copiesOf(image)).not.toHaveLength(0);
    expect(copiesOf(image).filter(({ from }) => from === undefined)).toEqual([]);
  });

  it('runs as a user by number, from an entry point that needs no shell', () => {
    expect(lastOf(image, 'USER')).toBe('65532:65532');
    const copied = copiesOf(image).map(({ target }) => target);
    const [program, ...words] = wordsOf(image, 'ENTRYPOINT');
    expect(copied).toContain(program);
    expect(copied).toContain(words.at(-1));
    expect(wordsOf(image, 'CMD')).toEqual(['run']);
  });

  it('copies files that exist, and that .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    const sources = stages
      .flatMap((stage) => copiesOf(stage))
      .filter(({ from }) => from === undefined)
      .map(({ source }) => source);
    expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
    expect(sources.toSorted()).toEqual(allowed.toSorted());
  });
});

describe('`parseDockerfile()`', () => {
  it('reads stages, flags, and instructions of several lines', () => {
    const { global, stages } = parseDockerfile(
      'ARG A=1\n# a comment\nFROM --platform=x base:$A AS one\nRUN a && \\\n# between\n    b\nfrom two\nCOPY --from=one --chown=1:1 /a /b /c/\n',
    );
    expect(global.map(({ keyword, text }) => [keyword, text])).toEqual([['ARG', 'A=1']]);
    expect(stages.map(({ from, name }) => [from, name])).toEqual([
      ['base:$A', 'one'],
      ['two', ''],
    ]);
    expect(stages[0]?.instructions.map(({ text }) => text)).toEqual(['a && b']);
    expect(stages[1] && copiesOf(stages[1])).toEqual([
      { from: 'one', source: '/a', target: '/c/' },
      { from: 'one', source: '/b', target: '/c/' },
    ]);
  });

  it('refuses an entry point that needs a shell', () => {
    const [stage] = parseDockerfile('FROM a\nENTRYPOINT node main.js\n').stages;
    expect(() => stage && wordsOf(stage, 'ENTRYPOINT')).toThrow('Wanted ENTRYPOINT as a JSON list, found node main.js');
  });
});
