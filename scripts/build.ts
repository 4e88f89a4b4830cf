/** Builds the product: one file, dist/maintenance-bridge.cjs, that needs nothing but Node.js. Run with `npm run build`. */
import { execFileSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
const OUTPUT = join(ROOT, 'dist/maintenance-bridge.cjs');

/** Of the checkout, or as the builder of an image says where there is no checkout. */
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

const commit = findCommit();
await build({
  entryPoints: [join(ROOT, 'src/main.ts')],
  outfile: OUTPUT,
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
  logLevel: 'warning',
});
chmodSync(OUTPUT, 0o755);

const printed = execFileSync(process.execPath, [OUTPUT, 'version'], { encoding: 'utf8' }).trim();
console.log(`dist/maintenance-bridge.cjs: ${(statSync(OUTPUT).size / 1024).toFixed(0)} KiB, ${printed}`);
