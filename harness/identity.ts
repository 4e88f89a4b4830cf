/** Identifies processes beyond their process ids, which the system reuses. */
import { readFileSync } from 'node:fs';

/**
 * `pid:start time` on Linux, else only `pid`.
 *
 * @returns undefined if no such process runs; a zombie does not count as running.
 */
export function identityOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return exists(pid) ? `${pid}` : undefined;
  try {
    // The command in brackets may hold spaces and brackets; the fields behind it may not. See proc_pid_stat(5).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${pid}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** The process id in an identity. */
export function pidOf(identity: string): number {
  return Number.parseInt(identity, 10);
}

export function isAlive(identity: string): boolean {
  return identityOf(pidOf(identity)) === identity;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
