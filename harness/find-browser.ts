/** Finds a Chromium, or whether one can be installed: Debian's package, or the one that `CHROMIUM` names. */
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
];

/** The path of the browser; undefined if there is none. */
export function findBrowser(): string | undefined {
  const named = process.env.CHROMIUM;
  return (named === undefined || named === '' ? PLACES : [named]).find((path) => existsSync(path));
}

/** Whether this is a Debian on which the process may install packages, as in a container of CI. */
export function canInstallPackages(): boolean {
  return existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;
}
