/** Licences of third-party code: the bundle is distributed to users, the rest stays on developers' machines. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly license?: string;
}

const LOCK = JSON.parse(readFileSync(resolve(import.meta.dirname, '../package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const PACKAGES = Object.entries(LOCK.packages).filter(([folder]) => folder !== '');

/** They require only that their text is included, which the bundle's notices do. */
const FREE: readonly string[] = [
  ...['Apache-2.0', 'MIT', 'MIT OR Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'],
  'Unlicense',
];
/** Tools that are run but never distributed, each with the reason. */
const TOOLS: Readonly<Record<string, string>> = {
  'MPL-2.0': 'lightningcss, which vitest brings along',
  'PSF-2.0': 'argparse, of the command line of js-yaml, which nothing here loads',
};
/** Their package.json names no licence, but their repositories do: MIT. They belong to the test containers' SSH, which nothing here uses. */
const UNNAMED: readonly string[] = ['node_modules/buildcheck', 'node_modules/cpu-features', 'node_modules/ssh2'];

describe('licences', () => {
  it.each(PACKAGES)('%s comes under one that we may use', (folder, { license }) => {
    if (license === undefined) expect(UNNAMED).toContain(folder);
    else expect([...FREE, ...Object.keys(TOOLS)]).toContain(license);
  });

  it('names no exception that is not needed any more', () => {
    const used = new Set(PACKAGES.map(([, { license }]) => license));
    expect(Object.keys(TOOLS).filter((license) => !used.has(license))).toEqual([]);
    expect(UNNAMED.filter((folder) => LOCK.packages[folder]?.license !== undefined)).toEqual([]);
  });
});
