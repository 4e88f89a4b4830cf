/**
 * Prepares a checkout: installs the dependencies if they are missing or belong to another lock file. Plain JavaScript without dependencies,
 * since it runs before anything is installed, on whatever Node.js the machine has.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
/** Written after a complete installation, so that an interrupted one is repeated. */
const STAMP = join(MODULES, '.maintenance-bridge-lock');

const wanted = createHash('sha256')
  .update(readFileSync(join(ROOT, 'package-lock.json')))
  .digest('hex');
const found = existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : undefined;

if (found !== wanted) {
  console.log(`Installing dependencies (${found === undefined ? 'first time' : 'package-lock.json has changed'}) …`);
  // An outer npm passes its own settings on; among these, "production" would leave out packages that the scripts need.
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev'], {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(
      `Installing dependencies failed: npm ci ${error === undefined ? `ended with ${status}` : error.message}.`,
    );
    console.error(
      'Check the network and the npm registry settings (npm config get registry), then run the command again.',
    );
    process.exit(1);
  }
  writeFileSync(STAMP, wanted);
}
