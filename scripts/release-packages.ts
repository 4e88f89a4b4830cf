/**
 * `npm run release:packages`: what a release offers besides image and chart, in dist/packages: the npm package, the archive of the
 * kubectl plugin, and its manifest for krew, which names the archive by its checksum. Made of package.json's version and repository.
 * The archive is the same for the same sources. Needs GNU tar.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const ROOT = resolve(import.meta.dirname, '..');
const TEMPLATE = 'plugin/node-maintenance.yaml';
/** Named by the manifest's `files`. */
export const PLUGIN_FILES = ['dist/maintenance-bridge.cjs', 'dist/THIRD-PARTY-NOTICES.txt', 'LICENSE'] as const;

export interface PluginRelease {
  readonly version: string;
  /** Where the sources are, and below it the releases. */
  readonly homepage: string;
  readonly archive: string;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** Fills in the template of the manifest. @throws Error if a placeholder is left. */
function krewManifest(template: string, { version, homepage, archive, sha256 }: PluginRelease): string {
  const values: Readonly<Record<string, string>> = {
    VERSION: version,
    HOMEPAGE: homepage,
    ARCHIVE_URL: `${homepage}/releases/download/v${version}/${archive}`,
    SHA256: sha256,
  };
  const text = template.replaceAll(/@([A-Z0-9_]+)@/g, (whole, name: string) => values[name] ?? whole);
  const [left] = /@[A-Z0-9_]+@/.exec(text) ?? [];
  if (left !== undefined) throw new Error(`${TEMPLATE} wants ${left}, which nobody gives`);
  // The comment at the head is about the template.
  return text.replace(/^(#.*\n)+/, '');
}

/**
 * Packs what `npm run build` has left in dist.
 *
 * @returns the names of the files that were written to `folder`.
 */
export function releasePackages(folder: string, root: string = ROOT): readonly string[] {
  const { name, version, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly repository: { readonly url: string };
  };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  execFileSync('npm', pack, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const archive = `${name}-plugin-${version}.tar.gz`;
  const tar = ['--create', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=go=rX,u+rw,a-s'];
  const content = execFileSync('tar', [...tar, '--mtime=@0', '--format=ustar', ...PLUGIN_FILES], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  const packed = gzipSync(content, { level: 9 });
  writeFileSync(join(folder, archive), packed);
  const homepage = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
  const sha256 = createHash('sha256').update(packed).digest('hex');
  const template = readFileSync(join(root, TEMPLATE), 'utf8');
  writeFileSync(join(folder, 'node-maintenance.yaml'), krewManifest(template, { version, homepage, archive, sha256 }));
  return [`${name}-${version}.tgz`, archive, 'node-maintenance.yaml'];
}

if (import.meta.main) {
  for (const file of releasePackages(join(ROOT, 'dist/packages'))) console.log(`dist/packages/${file}`);
}
