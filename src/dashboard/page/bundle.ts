/**
 * Builds the page: one script and one style sheet, with the UI library inside. In the bundle, the build (`scripts/build.ts`) has replaced
 * this module by the result.
 */
import { join, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';
import type { PageAssets } from '../server.ts';

export interface BuiltPage extends PageAssets {
  /** The source files, with paths from the root of the checkout. */
  readonly inputs: Metafile['inputs'];
}

/** @throws Error with esbuild's message if the page does not compile. */
export async function buildPage(): Promise<BuiltPage> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: resolve(import.meta.dirname, '../../..'),
    entryPoints: [join(import.meta.dirname, 'main.tsx'), join(import.meta.dirname, 'style.css')],
    outdir: 'page',
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const textOf = (extension: string): string => {
    const found = outputFiles.find(({ path }) => path.endsWith(extension));
    if (found === undefined) throw new Error(`esbuild has made no ${extension} of the page`);
    return found.text;
  };
  return { script: textOf('.js'), style: textOf('.css'), inputs: metafile.inputs };
}
