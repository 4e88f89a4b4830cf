/** The files of the page: inside the bundle; from source, they are put together when they are wanted. */
import type { PageAssets } from './server.ts';

/** @throws Error from source, where the development dependencies are not installed. */
export async function pageAssets(): Promise<PageAssets> {
  const { buildPage } = await import('./page/bundle.ts');
  const { script, style } = await buildPage();
  return { script, style };
}
