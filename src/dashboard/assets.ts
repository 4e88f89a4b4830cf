/** The files of the page: part of the bundle; when running from source, they are built on demand. */
import type { PageAssets } from './server.ts';

/** @throws Error when running from source without the development dependencies. */
export async function pageAssets(): Promise<PageAssets> {
  const { buildPage } = await import('./page/bundle.ts');
  const { script, style } = await buildPage();
  return { script, style };
}
