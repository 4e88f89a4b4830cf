import { describe, expect, it } from 'vitest';
import { FakeStream } from '../../../harness/doubles/fake-stream.ts';
import { PushedApi } from '../../../harness/doubles/pushed-api.ts';
import { eventually } from '../../../harness/wait.ts';
import { NODE } from '../../core/objects.ts';
import { trimOf } from '../../kube/objects/trim.ts';
import { formatReport, type Report } from '../../tmm/model/report.ts';
import { PRESETS, REPORT_ANNOTATION } from '../../tmm/names.ts';
import { presenterFor } from '../presenters.ts';
import { terminalOf } from '../terminal.ts';
import { NodeWait } from './await-goals.ts';

const NODES = '/api/v1/nodes';
const NOW = Date.parse('2026-11-21T09:00:30Z');
const REJECTED: Report = {
  session: 's',
  phase: 'Rejected',
  started: '2026-11-21T09:00:00Z',
  since: '2026-11-21T09:00:00Z',
  reason: 'GenericFailure',
  message: 'A message',
  pods: { total: 2, gone: 0, staying: 0 },
  blockedBy: [],
};

function rawNode(resourceVersion: string, taints: readonly object[], report?: Report): object {
  const annotations = report === undefined ? {} : { [REPORT_ANNOTATION]: formatReport(report) };
  return { metadata: { name: 'worker-1', uid: 'uid', resourceVersion, annotations }, spec: { taints } };
}

function startWait(stream: FakeStream, node: object) {
  const api = new PushedApi({ [NODES]: [node] });
  const stop = new AbortController();
  const display = {
    terminal: terminalOf(stream, { env: {}, noColour: true }),
    writeError: () => {},
    now: () => NOW,
  };
  const wait = new NodeWait(['worker-1'], {
    client: api,
    taints: [PRESETS.default],
    leases: { id: 'maintenance-bridge', namespace: 'nowhere', likely: [] },
    presenter: presenterFor({ output: 'text', all: true }, display),
    now: () => NOW,
    stop: stop.signal,
  });
  return { api, wait, stop };
}

const statesOf = (stream: FakeStream) => stream.screen().map((line) => line.split(/\s+/, 3).slice(1));

describe('`NodeWait`', () => {
  it('shows the last known state of a Node until the watch delivers our own write, not its deletion', async () => {
    const stream = new FakeStream({ isTTY: false });
    const { api, wait, stop } = startWait(stream, rawNode('1', [PRESETS.default], REJECTED));
    await wait.open();
    await eventually(() => (stream.written.includes('Rejected') ? true : undefined), { what: 'the first line' });
    const written = trimOf(NODE)(rawNode('2', [], REJECTED));
    if (written === undefined) throw new Error('The Node is not one');
    wait.nodes.wrote(written);
    const reaching = wait.reach('ended');
    await api.watched(NODES);
    api.push(NODES, 'MODIFIED', rawNode('3', []));
    expect(await reaching).toMatchObject([{ node: 'worker-1', outcome: 'Ended' }]);
    await wait.close();
    expect(statesOf(stream)).toEqual([
      ['node/worker-1', 'Rejected'],
      ['node/worker-1', 'Idle'],
    ]);
    stop.abort();
  });

  it('does not say that nothing is under way before the first answer', async () => {
    const stream = new FakeStream({ isTTY: true });
    const { wait, stop } = startWait(stream, rawNode('1', [PRESETS.default], REJECTED));
    const reaching = wait.reach('drained');
    expect(stream.screen()).toEqual(['Asking the cluster …']);
    stop.abort();
    await reaching;
    await wait.close();
  });
});
