import { beforeAll, describe, expect, it } from 'vitest';
import { ensureTools, lackingTools, type Toolbox } from './tools.ts';

type ProgramOf<Box> = Box extends Toolbox<infer Program> ? Program : never;

/**
 * A `describe` whose tests run third-party programs, which were built before; see `harness/build-first.ts`.
 *
 * If these are not available, the tests are skipped, with the reason in the name; under `CI=true` that is a failure.
 *
 * @param tests declares the tests; the function that it gets returns the path of each program, and may only be called inside tests and
 * their hooks.
 * @param alsoLacking why these tests cannot run here although the tools are available.
 */
export function describeWithTools<const Boxes extends readonly Toolbox<string>[]>(
  name: string,
  toolboxes: Boxes,
  tests: (get: () => Readonly<Record<ProgramOf<Boxes[number]>, string>>) => void,
  alsoLacking?: string,
): void {
  let paths: Readonly<Record<string, string>> | undefined;
  const get = (): Readonly<Record<string, string>> => {
    if (paths === undefined) throw new Error('The tools are there only while tests run');
    return paths;
  };
  const lacking = [...toolboxes.map(lackingTools), alsoLacking].filter((why) => why !== undefined);
  if (lacking.length === 0) {
    describe(name, () => {
      beforeAll(async () => {
        const built: Readonly<Record<string, string>>[] = [];
        for (const toolbox of toolboxes) built.push(await ensureTools(toolbox));
        paths = Object.assign({}, ...built);
      });
      tests(get);
    });
  } else if (process.env.CI === 'true') {
    describe(name, () => {
      it('finds its tools', () => expect.fail(lacking.join('; ')));
    });
  } else {
    describe.skip(`${name} (no tools: ${lacking.join('; ')})`, () => tests(get));
  }
}
