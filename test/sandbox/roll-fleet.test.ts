/** `roll` over a thousand Nodes, with a controller beside it: what an operator sees, and what it costs the API server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../../harness/fleet.ts';
import { Bridge, Running } from '../../harness/program.ts';
import { eventually } from '../../harness/wait.ts';
import type { Change, Stored } from '../../sandbox/api.ts';
import { parseRecord, ROLL_ANNOTATION } from '../../src/core/roll-record.ts';

const NODES = 1000;
const AT_ONCE = 10;
/** After so many the process is killed. */
const KILLED_AT = 300;
/** Seven reads and five writes; as many again for the few Nodes at which it was killed, and for conflicts with the controller. */
const REQUESTS_PER_NODE = 15;
/** Lists and watches, whatever the number of Nodes. */
const REQUESTS_PER_PROCESS = 20;
/** Most of it is the sandbox's and the controller's time, on as many cores as there are. */
const DEADLINE_MS = 15 * 60_000;

const STEPS = ['Entering', 'Working', 'Returning', 'Done'];

describe(`roll over ${NODES} Nodes`, () => {
  let fleet: Fleet;
  let bridge: Bridge;
  const underWay = new Set<string>();
  const tainted = new Set<string>();
  let mostUnderWay = 0;

  beforeAll(async () => {
    fleet = await startFleet(NODES);
    const flags = ['--leader-election-namespace=default', `--tmm-max-concurrent-nodes=${AT_ONCE}`];
    bridge = await new Bridge({ kubeconfig: fleet.kubeconfig, flags }).leads();
    fleet.sandbox.api.watch('nodes', ({ object }: Change) => {
      const { name } = object.metadata;
      if (isTainted(object)) {
        tainted.add(name);
        underWay.add(name);
      } else underWay.delete(name);
      mostUnderWay = Math.max(mostUnderWay, underWay.size);
    });
  }, DEADLINE_MS);
  afterAll(async () => {
    await bridge?.end();
    await fleet?.[Symbol.asyncDispose]();
  });

  const roll = (...args: readonly string[]) =>
    new Running([
      'roll',
      ...args,
      '--exec',
      'true',
      '--max-unavailable',
      `${AT_ONCE}`,
      '--kubeconfig',
      fleet.kubeconfig,
    ]);
  const doneIn = ({ out }: Running): number => Number(/.* (\d+)\/\d+ /s.exec(out)?.[1] ?? 0);

  it(
    '0: takes every Node once, so many at a time, and goes on after it was killed',
    async () => {
      const first = roll('-l', 'fleet=all', '--order=name');
      await eventually(() => doneIn(first) >= KILLED_AT || undefined, {
        what: `${KILLED_AT} Nodes to be done`,
        deadlineMs: DEADLINE_MS,
        pollMs: 100,
      });
      expect(await first.end('SIGKILL')).toBeNull();
      const id = /Roll (\w+) over/.exec(first.out)?.[1] ?? '';
      const second = roll('--resume', id);
      expect(await second.end(), second.out.slice(-2000) + second.err).toBe(0);
      expect(second.err).toBe('');

      const nodes = fleet.sandbox.api.list('nodes');
      expect(nodes.filter(isTainted).map(({ metadata }) => metadata.name)).toEqual([]);
      expect(tainted.size).toBe(NODES);
      expect(mostUnderWay).toBeLessThanOrEqual(AT_ONCE);
      const states = nodes.map(({ metadata }) => {
        const seen = parseRecord(metadata.annotations?.[ROLL_ANNOTATION]);
        return seen.is === 'valid' ? seen.record.state : seen.is;
      });
      expect(new Set(states)).toEqual(new Set(['Done']));

      // Nodes that were done before are not touched again.
      const [before, after] = [stepsIn(first.out), stepsIn(second.out)];
      const finished = [...before].filter(([, steps]) => steps.at(-1) === 'Done').map(([name]) => name);
      expect(finished.filter((name) => after.has(name))).toEqual([]);
      // The others have each step once and in order, or what was left of them.
      for (const [name, steps] of after) expect(steps, name).toEqual(STEPS.slice(-steps.length));
      const entered = [...before, ...after].filter(([, steps]) => steps[0] === 'Entering').map(([name]) => name);
      // By name; of those that are asked at once, some are answered before others.
      const displaced = entered.map((name, index) => Math.abs(fleet.nodes.indexOf(name) - index));
      expect(Math.max(...displaced)).toBeLessThan(2 * AT_ONCE);
      const counts = [...second.out.matchAll(new RegExp(` Done +(\\d+)/${NODES} `, 'g'))].map(([, done]) =>
        Number(done),
      );
      expect(counts).toEqual(counts.map((_, index) => NODES - counts.length + 1 + index));
      expect(second.out).toMatch(
        new RegExp(`Finished +${NODES}/${NODES} +Roll \\w+: ${NODES} of ${NODES} done after `),
      );

      const requests = fleet.sandbox.requests().filter(({ userAgent }) => userAgent.endsWith('(command)'));
      expect(requests.length).toBeLessThanOrEqual(NODES * REQUESTS_PER_NODE + 2 * REQUESTS_PER_PROCESS);
      const ofNodes = new Map<string, number>();
      for (const { path } of requests) {
        const [, name] = /^\/api\/v1\/nodes\/(node-\d+)/.exec(path) ?? [];
        if (name !== undefined) ofNodes.set(name, (ofNodes.get(name) ?? 0) + 1);
      }
      expect(Math.max(...ofNodes.values())).toBeLessThanOrEqual(3 * REQUESTS_PER_NODE);
      expect(requests.length - [...ofNodes.values()].reduce((sum, each) => sum + each)).toBeLessThanOrEqual(
        2 * REQUESTS_PER_PROCESS,
      );
    },
    DEADLINE_MS,
  );
});

function isTainted({ spec }: Stored): boolean {
  const { taints = [] } = (spec ?? {}) as { readonly taints?: readonly { readonly key: string }[] };
  return taints.some(({ key }) => key === 'drain');
}

/** By Node, the steps that were printed of it, in the order of the first one. */
function stepsIn(out: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [, name = '', step = ''] of out.matchAll(/^\S+Z {2}node\/(\S+) +(Entering|Working|Returning|Done) /gm)) {
    found.set(name, [...(found.get(name) ?? []), step]);
  }
  return found;
}
