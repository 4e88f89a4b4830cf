/** What a process has used, as Linux counts it. */
import { readFile } from 'node:fs/promises';

export interface Usage {
  /** CPU time of all threads since the start; processes that it has started do not count. */
  readonly cpuSeconds: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

/** @returns undefined if there is no such process, or it has ended. */
export async function usageOf(pid: number | undefined): Promise<Usage | undefined> {
  try {
    const [status, stat] = await Promise.all(
      ['status', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    if (status === undefined || stat === undefined) return undefined;
    const mib = (field: string): number => {
      const [, kib] = new RegExp(`${field}:\\s+(\\d+)`).exec(status) ?? [];
      return Math.round(Number(kib) / 1024);
    };
    // The second field is the program's name in parentheses, which may have blanks. Times are in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
    const usage = { cpuSeconds, residentMiB: mib('VmRSS'), peakMiB: mib('VmHWM') };
    return Object.values(usage).some(Number.isNaN) ? undefined : usage;
  } catch {
    return undefined;
  }
}
