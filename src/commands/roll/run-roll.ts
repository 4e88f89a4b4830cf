/** One process's part of a roll: chooses the Nodes, carries out the roll, and reports the result. */
import { formatDuration } from '../../core/duration.ts';
import { isUnderWay } from '../../core/roll-record.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { isKubeError } from '../../kube/http/errors.ts';
import { fields, listOf, text } from '../../kube/http/json.ts';
import { readNode } from '../../kube/write/node-edit.ts';
import { forEachAtOnce } from '../nodes/at-once.ts';
import { chooseNodes } from '../nodes/choose.ts';
import { ControllerWatch } from '../nodes/controller-watch.ts';
import { LeaseWatch } from '../nodes/lease-watch.ts';
import { factsOf } from '../nodes/node-facts.ts';
import { NodeWatch } from '../nodes/node-watch.ts';
import { hasTaint } from '../nodes/requests.ts';
import { noticesTo } from '../notices.ts';
import { failed, type Outcome } from '../outcome.ts';
import type { RollEvent, RollPresenter } from './events.ts';
import type { Ready, RollCode, RollContext, RollFlags } from './flags.ts';
import { type Member, type RollMember, RollMembers } from './members.ts';
import { isFreeFor, makeRollWrites, type RollWrites } from './node-writes.ts';
import { rollPresenter } from './presenters.ts';
import { type RollEnd, Roller } from './roller.ts';
import { codeOfRoll, summaryOf } from './summary.ts';
import type { StartWork } from './work.ts';

export interface RollRun {
  readonly client: ApiClient;
  readonly configured: Ready;
  readonly flags: RollFlags;
  readonly context: RollContext;
  /** Namespaces in which a Lease is looked for if the account may not read all. */
  readonly likely: readonly string[];
  readonly members: readonly RollMember[];
  readonly isResumed: boolean;
  readonly maxUnavailable: number;
  readonly work: (
    ask: (node: string | undefined) => void,
    output: (node: string, stream: 'stdout' | 'stderr', line: string) => void,
  ) => StartWork;
}

const CHECK_MS = 1000;

export async function runRoll(run: RollRun): Promise<Outcome<RollCode>> {
  const { client, configured, flags, context } = run;
  const { now, abandon, interrupted } = context;
  const [taint] = configured.options.tmm.settings.taints;
  const id = run.members[0]?.record.id ?? '';
  if (taint === undefined) throw new RangeError('Settings have at least one taint');
  const startedMs = now();
  const members = new RollMembers(run.members, startedMs);
  const presenter = rollPresenter(flags.output, id, context);
  const tell = (event: RollEvent): void => presenter.event(event, members.counts());
  const ending = new AbortController();
  const stop = AbortSignal.any([abandon, ending.signal]);
  const watch = new NodeWatch(run.members.map(({ name }) => name));
  const writes = makeRollWrites({
    client,
    taint,
    abandon,
    trouble: (message) =>
      tell(
        message === undefined
          ? { type: 'Recovered', message: 'The API server answers again' }
          : { type: 'Trouble', message: `Writing fails, and is tried again: ${message}` },
      ),
  });
  const following = watch.run(
    client,
    noticesTo(({ text, isOver }) => tell({ type: isOver ? 'Recovered' : 'Trouble', message: text })),
    stop,
  );
  const controller = followController(run, members, watch, tell, stop);
  try {
    await watch.synced(stop);
    const refusal = await claimAll(members, writes, watch, id);
    if (refusal !== undefined) return failed(1, ...refusal);
    tell({ type: run.isResumed ? 'Resumed' : 'Started', message: `Roll ${id} over ${nodes(run.members.length)}` });
    const roller = new Roller(members, {
      taint,
      taints: configured.settings.tmm.taints,
      maxUnavailable: run.maxUnavailable,
      onRejection: flags.onRejection,
      nodeTimeoutMs: flags.nodeTimeoutMs,
      watch,
      writes,
      startWork: run.work(presenter.ask, (node, stream, message) => tell({ type: 'Output', node, stream, message })),
      addressOf: (name) => addressOf(client, name),
      presenter,
      now,
      interrupted,
      late: flags.timeoutMs === undefined ? new AbortController().signal : AbortSignal.timeout(flags.timeoutMs),
      abandon,
    });
    const end = await roller.run();
    // According to the last view of the Node, or to our last write.
    const isTainted = (member: Member): boolean => {
      const seen = watch.get(member.name);
      if (seen.is === 'present') return hasTaint(seen.object, taint);
      return member.isTainted ?? isUnderWay(member.record.state);
    };
    return await conclude(run, end, presenter, id, now() - startedMs, isTainted);
  } finally {
    ending.abort();
    presenter.close();
    await Promise.all([following, controller]);
  }
}

/**
 * Takes all Nodes into the roll before maintenance of the first is requested, so that a second roll is refused whichever Node it begins
 * with.
 *
 * @returns why it cannot begin; the Nodes taken so far are then released.
 */
async function claimAll(
  members: RollMembers,
  writes: RollWrites,
  watch: NodeWatch,
  id: string,
): Promise<readonly string[] | undefined> {
  const faults: string[] = [];
  await forEachAtOnce(members.all(), async (member) => {
    const { name, uid, record } = member;
    const written = await writes.claim(name, uid, record, isFreeFor(id));
    if ('node' in written) watch.wrote(written.node);
    if (written.is === 'NotFound') members.change(member, { dropped: 'Gone' });
    else if (written.is === 'Withheld') faults.push(`Another roll has begun on node/${name} in this moment`);
    else if (written.is === 'Refused') faults.push(`node/${name}: ${written.why}`);
  });
  if (faults.length === 0) return undefined;
  await forEachAtOnce(members.all(), async ({ name, uid, record }) => {
    if (record.state === 'Pending') await writes.unclaim(name, uid, id);
  });
  return faults.sort();
}

/** Reports if no controller acts on the Nodes under way. */
async function followController(
  { client, configured, context: { now }, likely }: RollRun,
  members: RollMembers,
  watch: NodeWatch,
  tell: (event: RollEvent) => void,
  stop: AbortSignal,
): Promise<void> {
  const { id, namespace } = configured.options.leaderElection;
  const leases = new LeaseWatch({ id, namespace, likely, now });
  const controller = new ControllerWatch(now(), (message, isOver) =>
    tell({ type: isOver ? 'Recovered' : 'Trouble', message }),
  );
  watch.onChange((name) => {
    const seen = watch.get(name);
    if (seen.is === 'present' && members.get(name) !== undefined) {
      controller.observe(seen.object, factsOf(seen.object, configured.settings.tmm.taints), now());
    }
  });
  const check = setInterval(() => {
    for (const { name, record } of members.all()) if (!isUnderWay(record.state)) controller.forget(name);
    if (members.counts().underWay > 0) controller.check(leases.seen(), now());
  }, CHECK_MS);
  await leases.run(client, stop);
  clearInterval(check);
}

/** The address is only for the work; a failure to read it must not stop the roll, and leaves it empty. */
async function addressOf(client: ApiClient, name: string): Promise<string> {
  try {
    const read = await readNode(client, name);
    const addresses =
      listOf(fields(read?.raw.status)?.addresses, ({ type, address }) => ({
        type: text(type),
        address: text(address),
      })) ?? [];
    const found = ['InternalIP', 'ExternalIP', 'Hostname'].flatMap(
      (type) => addresses.find((each) => each.type === type)?.address ?? [],
    );
    return found[0] ?? '';
  } catch (error) {
    if (isKubeError(error)) return '';
    throw error;
  }
}

async function conclude(
  { client, flags, members: known }: RollRun,
  end: RollEnd,
  presenter: RollPresenter,
  id: string,
  tookMs: number,
  isTainted: (member: Member) => boolean,
): Promise<Outcome<RollCode>> {
  const code = codeOfRoll(end);
  const counts = end.members.counts();
  const message = `Roll ${id}: ${summaryOf(end)} after ${formatDuration(Math.max(1000, tookMs))}`;
  presenter.update(() => ({ counts, underWay: [], next: [] }));
  presenter.event({ type: 'Finished', message }, counts);
  presenter.close();
  const added = await newcomers(client, flags, known);
  const members = end.members.all();
  const tainted = members.filter(
    (member) => member.dropped === undefined && member.record.state !== 'Skipped' && isTainted(member),
  );
  const isOpenEnded = members.some(({ record, dropped }) => dropped === undefined && record.state !== 'Done');
  const err = [
    ...members.flatMap(({ name, record, dropped }) =>
      dropped === undefined && record.state !== 'Done' && record.state !== 'Pending' && record.message !== undefined
        ? [`node/${name}: ${record.state}: ${record.message}`]
        : [],
    ),
    ...(tainted.length === 0 ? [] : [`Still tainted: ${tainted.map(({ name }) => name).join(' ')}`]),
    ...(tainted.length === 0
      ? []
      : [`  To give them back: maintenance-bridge exit ${tainted.map(({ name }) => name).join(' ')}`]),
    ...(added.length === 0 ? [] : [`Not part of this roll, since they came later: ${added.join(' ')}`]),
    ...(isOpenEnded
      ? [`To go on: maintenance-bridge roll --resume ${id}${flags.again.map((word) => ` ${word}`).join('')}`]
      : []),
  ];
  return { code, out: '', err: err.map((line) => `${line}\n`).join('') };
}

/** Nodes that have got the labels since the roll began. */
async function newcomers(
  client: ApiClient,
  { what }: RollFlags,
  known: readonly RollMember[],
): Promise<readonly string[]> {
  if (!('choice' in what) || !('selector' in what.choice)) return [];
  const uids = new Set(known.map(({ uid }) => uid));
  try {
    const { found } = await chooseNodes(client, what.choice);
    return found.filter(({ metadata }) => !uids.has(metadata.uid)).map(({ metadata }) => metadata.name);
  } catch (error) {
    if (isKubeError(error)) return [];
    throw error;
  }
}

const nodes = (count: number): string => (count === 1 ? '1 Node' : `${count} Nodes`);
