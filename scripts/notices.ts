/** The licence texts of the bundle's contents, which most licences require beside every copy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * The folders of packages among the bundle's inputs, sorted, such as `node_modules/zod`; a package inside another's folder is
 * one of its own.
 *
 * @param inputs paths from the root of the checkout, as esbuild's metafile has them.
 */
export function packageFoldersOf(inputs: readonly string[]): readonly string[] {
  // Where node_modules is a link, esbuild's paths lead out of the checkout first.
  const folders = inputs.flatMap(
    (path) => /(?:^|\/)(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  );
  return [...new Set(folders)].sort();
}

/**
 * One section for each package: name, version, licence and its own licence texts.
 *
 * @param inputs as for `packageFoldersOf()`.
 */
export function noticesOf(inputs: readonly string[]): string {
  return packageFoldersOf(inputs)
    .map(sectionOf)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function sectionOf(folder: string): string {
  const path = join(ROOT, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;
  const texts = readdirSync(path)
    .filter((file) => LICENCE_FILE.test(file))
    .sort()
    .map((file) => readFileSync(join(path, file), 'utf8').trim());
  const body = texts.length === 0 ? ['The package comes without a licence text.'] : texts;
  return `${[`${name} ${version}: ${license ?? 'no licence named'}`, ...body].join('\n\n')}\n`;
}
