/** Where a Chromium is, and whether one can be had: Debian's package, or any that `CHROMIUM` names. */
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

/** Where the browser is; undefined where there is none. */
export function findBrowser(): string | undefined {
  const named = process.env.CHROMIUM;
  return (named === undefined || named === '' ? PLACES : [named]).find((path) => existsSync(path));
}

/** Whether this is a Debian whose packages the process may install, as in a container of CI. */
export function canInstallPackages(): boolean {
  return existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;
}
