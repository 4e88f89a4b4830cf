/**
 * The gate in the environment of a new user: `npm test` of the last commit in a fresh clone, with a new HOME and empty caches of npm, Go
 * and builds. Only the addresses of package registries are taken from the user's settings, and the PATH. Its exit code is that of `npm
 * test`. Plain JavaScript without dependencies, since nothing may be installed before. Run with `npm run test:cold`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The output of a command; undefined if it cannot be run. */
function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, { cwd: tmpdir(), encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error) console.error(error.message);
  return status ?? 1;
}

// Short, since a browser creates a socket below its temporary folder, whose path is limited to 108 bytes.
const place = mkdtempSync(join(tmpdir(), 'mb-cold-'));
const home = join(place, 'home');
const temporary = join(place, 'tmp');
const clone = join(place, 'maintenance-bridge');
const settings = {
  npm_config_registry: ask('npm', ['config', 'get', 'registry']),
  ...Object.fromEntries(['GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOFLAGS'].map((key) => [key, ask('go', ['env', key])])),
};
// npm run adds this checkout's programs to the PATH; a new user does not have them.
const path = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
const environment = {
  ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
  ...(process.env.CI !== undefined && { CI: process.env.CI }),
  PATH: path.join(':'),
  HOME: home,
  TMPDIR: temporary,
  LANG: process.env.LANG ?? 'C.UTF-8',
};

const started = performance.now();
let code;
try {
  for (const folder of [home, temporary]) mkdirSync(folder);
  code = run('git', ['clone', '--quiet', ROOT, clone]) || run('npm', ['test'], { cwd: clone, env: environment });
} finally {
  // Go makes the files of its module cache read-only.
  spawnSync('chmod', ['-R', 'u+w', place]);
  rmSync(place, { recursive: true, force: true });
}
console.log(`Cold run: exit code ${code} after ${Math.round((performance.now() - started) / 1000)} s`);
process.exitCode = code;
