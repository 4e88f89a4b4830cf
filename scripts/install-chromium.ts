/** Installs Debian's Chromium, for the tests of the dashboard in CI. Exit code 1 if the packages are not available. */
import { spawnSync } from 'node:child_process';

for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
  const { status } = spawnSync('apt-get', ['--quiet', ...args], {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) process.exit(1);
}
