/** `npm start` on a machine that has only Node.js. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { it, ROOT } from './script.ts';

/** One screen. */
const SCREEN = { lines: 72, columns: 110 } as const;

describe('npm start', () => {
  it('shows the main job on one screen, as docs/tour.md has recorded it, and ends with 0', async ({ scripts }) => {
    const tour = scripts.start('tour/main.ts');
    expect(await tour.end(), tour.out).toBe(0);
    const lines = tour.out.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(SCREEN.lines);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(SCREEN.columns);
    for (const line of [
      '$ kubectl taint node worker-1 drain=planned-downtime:NoSchedule',
      'InMaintenance [████████████████████████] 6/6',
      'Event NodeDrained: 6 Pods gone',
      'Never fewer than 4 were ready',
      'conditions MaintenancePlanned=False, MaintenanceInProgress=True,\n   DrainInProgress=False, Drained=True',
      'Event MaintenanceEnded: Maintenance ended',
      'Node worker-2: would be rejected (TooManyExistingFailures)',
      '(exit code 3)',
      'Event MaintenanceRejected: TooManyExistingFailures',
      'annotation emm-failure=TooManyExistingFailures',
      'condition Deleting=True, WaitingForPreDrainHook',
      'Event NodeDrained: 2 Pods gone',
      'Machine and Node are gone',
      '$ kubectl label machine worker-4 -n fleet $P/maintenance=requested',
      'Machine worker-4: label $P/maintenance=approved',
      'BareMetalHost worker-4: powered off; Node worker-4: NotReady',
      'BareMetalHost worker-4: powered on; Node worker-4: Ready',
      'ManagedClusterView settings: Processing=True; it followed the work',
      'Deployment web at 0, no Pod left, FailoverActivated=True',
    ]) {
      expect(tour.out).toContain(line);
    }
    expect(tour.out).toMatch(/Done: every step ended as it should, in \d+\.\d s\./);
    const page = await readFile(join(ROOT, 'docs/tour.md'), 'utf8');
    const recording = /```text\n(maintenance-bridge: a tour.*?)```/s.exec(page)?.[1] ?? '';
    expect(lastingOf(tour.out)).toEqual(lastingOf(recording));
    expect(await readdir(scripts.folder)).toEqual([]);
  });

  it('says what was expected, what was found and what the program did, and ends with 1, where a step fails', async ({
    scripts,
  }) => {
    const tour = scripts.start('tour/main.ts', '--dry-run', '--step-deadline=200ms');
    expect(await tour.end(), tour.out).toBe(1);
    expect(tour.out).toContain('Expected Node worker-1 to be in phase InMaintenance\nFound    no report on the Node\n');
    expect(tour.out).toMatch(/The end of the program’s log:\nINFO /);
    expect(tour.out).not.toContain('Done');
    expect(await readdir(scripts.folder)).toEqual([]);
  });

  it.for([
    ['an unknown flag', '--nonsense', "error: unknown option '--nonsense'\nTry --help for usage.\n"],
    [
      'a value out of range',
      '--tmm-max-concurrent-nodes=0',
      '--tmm-max-concurrent-nodes: wanted at least 1, found 0\n',
    ],
  ] as const)('says only what is wrong with %s, and ends with 2', async ([_, flag, complaint], { scripts }) => {
    const tour = scripts.start('tour/main.ts', flag);
    expect(await tour.end(), tour.out).toBe(2);
    expect(tour.out).toBe(complaint);
    expect(await readdir(scripts.folder)).toEqual([]);
  });

  it('leaves nothing behind after Ctrl-C', async ({ scripts }) => {
    const tour = scripts.start('tour/main.ts');
    await tour.said(/taint node worker-1/);
    expect(await tour.end('SIGINT'), tour.out).toBe(130);
    expect(tour.out).toContain('Stopped by SIGINT.');
    expect(await readdir(scripts.folder)).toEqual([]);
  });
});

/** The parts that are the same in every successful tour, without times, generated names and the steps of a drain. */
function lastingOf(output: string): readonly string[] {
  const lines = output
    .replaceAll(/\b\d+(\.\d+)? ?m?s\b/g, '<time>')
    .replaceAll(/(shop\/(?:web|agent))-\S+( +Moves +)?(?:worker-\d)?/g, '$1$2');
  return lines.split('\n').filter((line) => line !== '' && !/^ +(Checking|Draining) /.test(line));
}
