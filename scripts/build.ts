/** Builds the product: one file, dist/maintenance-bridge.cjs, that needs nothing but Node.js. Run with `npm run build`. */
import { execFileSync } from 'node:child_process';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { type BuiltPage, buildPage } from '../src/dashboard/page/bundle.ts';
import { noticesOf } from './notices.ts';

const ROOT = resolve(import.meta.dirname, '..');
const OUTPUT = 'dist/maintenance-bridge.cjs';
const NOTICES = 'dist/THIRD-PARTY-NOTICES.txt';

export interface BundleOptions {
  /** The output file. @default it is not written */
  readonly outfile?: string;
}

/**
 * Bundles `src/main.ts` with everything that it imports. The same sources and the same commit give the same bytes, wherever the checkout
 * is.
 *
 * @returns the inputs, with paths from the root of the checkout.
 */
export async function bundle({ outfile }: BundleOptions = {}): Promise<Metafile> {
  const commit = findCommit();
  const page = await buildPage();
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    // Named explicitly, so that its absence is an error: without it the bundle would not be strict code.
    tsconfig: 'tsconfig.json',
    outfile: outfile ?? OUTPUT,
    write: outfile !== undefined,
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    minify: true,
    // Stack traces and error names must stay readable in logs.
    keepNames: true,
    legalComments: 'none',
    banner: { js: '#!/usr/bin/env node' },
    define: { MAINTENANCE_BRIDGE_COMMIT: commit === undefined ? 'undefined' : JSON.stringify(commit) },
    plugins: [withoutUnusedClient, withoutLanguages, withPage(page)],
    logLevel: 'warning',
  });
  return { ...metafile, inputs: { ...page.inputs, ...metafile.inputs } };
}

/**
 * The imports of `KubeConfig` for the library's own API client and HTTP client. The program uses it to run credential plugins, which need
 * neither, and they are half of the bundle and 12 MiB of resident memory.
 */
const UNUSED: Readonly<Record<string, readonly string[]>> = {
  undici: ['Agent', 'ProxyAgent'],
  './gen/index.js': ['createConfiguration', 'ServerConfiguration'],
};

/**
 * Replaces `UNUSED` by classes whose use throws an error. A version of the library that imports another name from there fails the build,
 * and one that uses them to run a plugin fails the test of the bundle.
 */
const withoutUnusedClient: Plugin = {
  name: 'without-unused-client',
  setup(building) {
    building.onResolve({ filter: /^(undici|\.\/gen\/index\.js)$/ }, ({ path, importer }) =>
      /@kubernetes[\\/]client-node[\\/]dist[\\/]config\.js$/.test(importer) ? { path, namespace: 'unused' } : undefined,
    );
    building.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
      contents: (UNUSED[path] ?? [])
        .map(
          (name) => `export class ${name} { constructor() { throw new Error('${name} of ${path} is not bundled'); } }`,
        )
        .join('\n'),
    }));
  },
};

/** Messages of zod in fifty languages: ours are English, which zod loads by itself, and the list of all languages is only exported. */
const withoutLanguages: Plugin = {
  name: 'without-languages',
  setup(building) {
    building.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: 'export {};' }));
  },
};

/** Replaces the module that builds the dashboard's page by the built page. */
const withPage = ({ script, style }: BuiltPage): Plugin => ({
  name: 'with-page',
  setup(building) {
    building.onLoad({ filter: /[\\/]dashboard[\\/]page[\\/]bundle\.ts$/ }, () => ({
      contents: `export const buildPage = async () => (${JSON.stringify({ script, style })});`,
    }));
  },
});

/** The commit of the checkout or, if there is no checkout, the one that the builder of an image passes. */
function findCommit(): string | undefined {
  const given = process.env.MAINTENANCE_BRIDGE_BUILD_COMMIT;
  if (given !== undefined && given !== '') return given;
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: ROOT,
      stdio: 'pipe',
      encoding: 'utf8',
    }).trim();
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const outfile = join(ROOT, OUTPUT);
  const metafile = await bundle({ outfile });
  chmodSync(outfile, 0o755);
  writeFileSync(join(ROOT, NOTICES), noticesOf(Object.keys(metafile.inputs)));
  const printed = execFileSync(process.execPath, [outfile, 'version'], { encoding: 'utf8' }).trim();
  console.log(`${OUTPUT}: ${(statSync(outfile).size / 1024).toFixed(0)} KiB, ${printed}`);
}
