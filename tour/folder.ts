/** Folders for temporary files that are removed with, or soon after, their process. */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf, isAlive } from '../harness/identity.ts';

/** The file that records the owner of the folder. */
const OWNER = 'owner.json';

interface Owner {
  /** Containers may share a folder for temporary files without seeing one another's processes. */
  readonly host: string;
  /** See `identityOf()`. */
  readonly process: string;
}

/**
 * Makes a folder that is removed with this process, and removes those of the same prefix whose processes were killed.
 *
 * @param prefix ends with a dash.
 * @returns its path
 */
export function makeFolder(prefix: string): string {
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(prefix) && isLeftBehind(join(tmpdir(), name))) remove(join(tmpdir(), name));
  }
  const folder = mkdtempSync(join(tmpdir(), prefix));
  process.once('exit', () => remove(folder));
  const owner: Owner = { host: hostname(), process: identityOf(process.pid) ?? `${process.pid}` };
  writeFileSync(join(folder, OWNER), JSON.stringify(owner));
  return folder;
}

/** A folder whose owner is not known to have ended may be in use. */
function isLeftBehind(folder: string): boolean {
  try {
    const stat = lstatSync(folder);
    if (!stat.isDirectory() || stat.uid !== process.getuid?.()) return false;
    // It belongs to this very user, and was written by the lines above.
    const owner = JSON.parse(readFileSync(join(folder, OWNER), 'utf8')) as Owner;
    return owner.host === hostname() && !isAlive(owner.process);
  } catch {
    return false;
  }
}

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });
