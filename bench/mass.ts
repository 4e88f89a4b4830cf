/**
 * `npm run bench -- mass`: Nodes tainted by one command, with 100, 1 000 and 5 000 Nodes: passes, writes and CPU time until all have
 * their phase, and for a change of a Pod and of a budget while all but one of them wait. Reports and asserts nothing.
 * docs/performance.md has the figures of a run.
 */
import { cpus } from 'node:os';
import { taintAtOnce, type Work } from './mass-requests.ts';

console.log(`${cpus().length} cores, Node.js ${process.version}\n`);
console.log('Nodes   tainted  change            passes  writes  CPU time');
for (const [nodes, asked] of [
  [100, 50],
  [1000, 300],
  [5000, 1000],
] as const) {
  const work = await taintAtOnce(nodes, asked);
  const line = (what: string, { passes, writes, cpuMs }: Work): void =>
    console.log(
      `${String(nodes).padEnd(8)}${String(asked).padEnd(9)}${what.padEnd(16)}${String(passes).padStart(8)}${String(writes).padStart(8)}${`${cpuMs.toFixed(0)} ms`.padStart(10)}`,
    );
  line('all taints', work.taints);
  line('one Pod', work.podEvent);
  line('one budget', work.budgetEvent);
}
