/** Programs out of a package of Debian, which is not installed: neither root nor a maintainer script is needed. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface DebianPackage {
  readonly name: string;
  /** Where in the package the programs are. */
  readonly folder: string;
}

const run = promisify(execFile);

/** A slow or unavailable mirror must cost less time than it saves. */
const TIMEOUT_MS = 60_000;
const APT = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::https::Timeout=15'];

/**
 * Takes programs from the package in the version that the machine's own package lists have; apt checks its signature.
 *
 * @param start arguments with which each program shows that it runs here.
 * @returns the reason of a failure; undefined if the programs are in the directory now, and start.
 */
export async function takeFromDebian(
  { name, folder }: DebianPackage,
  programs: readonly string[],
  start: readonly string[],
  directory: string,
): Promise<string | undefined> {
  const place = await mkdtemp(join(tmpdir(), 'mb-debian-'));
  try {
    await run('apt-get', ['download', ...APT, name], { cwd: place, timeout: TIMEOUT_MS });
    const [archive = ''] = await readdir(place);
    await run('dpkg-deb', ['--extract', archive, 'files'], { cwd: place, timeout: TIMEOUT_MS });
    for (const program of programs) {
      const path = join(place, 'files', folder, program);
      await run(path, [...start], { timeout: TIMEOUT_MS });
      await copyFile(path, join(directory, program));
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
