import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../core/text.ts';
import { CAUSES, FAILURE_REASONS, PHASES } from '../names.ts';
import {
  type Blocked,
  boundReport,
  formatMarker,
  formatReport,
  MAX_REPORT_BYTES,
  parseMarker,
  parseReport,
  type Report,
  type Workload,
} from './report.ts';

const REPORT: Report = {
  session: 's',
  phase: 'Draining',
  started: '2026-11-21T02:00:00.000Z',
  since: '2026-11-21T02:00:00.000Z',
  message: '',
  pods: { total: 1, gone: 0, staying: 0 },
  blockedBy: [],
};

/** The text as the API server stores it: Go replaces bytes that are not a whole character. */
function stored(json: string): string {
  const wellFormed = (key: string, value: unknown): unknown =>
    typeof value === 'string' && key !== '' ? value.toWellFormed() : value;
  return JSON.stringify(JSON.parse(json, wellFormed));
}

/** Text that any author or webhook may produce. */
const hostileText = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc
    .constantFrom('\ud83d', '"', '\\', '\u0001', 'ä', '🔒', 'x')
    .chain((unit) => fc.constantFrom(1, 253, 700, 1023, 5000).map((times) => unit.repeat(times))),
);
const hostileCount = fc.nat({ max: 1_000_000 });
const hostileTime = fc
  .date({ min: new Date('2026-01-01'), max: new Date('2036-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const hostileBlocked: fc.Arbitrary<Blocked> = fc.record({
  pod: hostileText,
  cause: fc.constantFrom(...CAUSES),
  detail: hostileText,
  remedy: hostileText,
});
const hostileWorkload = fc.record(
  {
    kind: hostileText,
    namespace: hostileText,
    name: hostileText,
    uid: fc.oneof(fc.uuid(), hostileText),
    here: hostileCount,
    ready: hostileCount,
    leaving: hostileCount,
  },
  { requiredKeys: ['kind', 'namespace', 'name', 'uid', 'here'] },
) as fc.Arbitrary<Workload>;
const hostileReturns = fc.record({
  owner: hostileText,
  count: hostileCount.map((count) => count + 1),
  at: hostileTime,
  uids: fc.array(hostileText, { maxLength: 20 }),
});
const hostileReport: fc.Arbitrary<Report> = fc
  .record(
    {
      session: fc.stringMatching(/^[a-z0-9]{8}-[a-z0-9]{8}$/),
      phase: fc.constantFrom(...PHASES),
      started: hostileTime,
      since: hostileTime,
      deadline: hostileTime,
      reason: fc.constantFrom(...FAILURE_REASONS),
      message: hostileText,
      overdue: fc.constant(true),
      pods: fc.record({ total: hostileCount, gone: hostileCount, staying: hostileCount }),
      blockedBy: fc.array(hostileBlocked, { maxLength: 12 }),
      notModelled: fc.array(hostileText, { maxLength: 7 }),
      workloads: fc.array(hostileWorkload, { maxLength: 12 }),
      returns: fc.array(hostileReturns, { maxLength: 20 }),
      recreated: fc.array(hostileText, { maxLength: 12 }),
    },
    { requiredKeys: ['session', 'phase', 'started', 'since', 'message', 'pods', 'blockedBy'] },
  )
  .map((report) => report as Report);

describe('a report that we write', () => {
  it('is read back as it is, whatever names and texts the cluster has put into it', () => {
    fc.assert(
      fc.property(hostileReport, (report) => {
        const bounded = boundReport(report);
        const written = formatReport(report);
        expect(parseReport(written)).toEqual({ is: 'valid', report: bounded });
        expect(formatReport(bounded)).toBe(written);
        expect(boundReport(bounded)).toEqual(bounded);
        expect(bytesOf(written)).toBeLessThanOrEqual(MAX_REPORT_BYTES);
        // The API server keeps it byte by byte.
        expect(stored(written)).toBe(written);
      }),
    );
  });

  const workloads = (count: number): readonly Workload[] =>
    Array.from({ length: count }, (_, index) => ({
      kind: 'ReplicaSet',
      namespace: 'payments',
      name: `checkout-service-7d9c5b8f6d-${index}`,
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      here: 0,
    }));
  const blockedBy = Array.from({ length: 10 }, (_, index): Blocked => {
    return {
      pod: `shop/web-${index}`,
      cause: 'EvictionDenied',
      detail: 'x'.repeat(900),
      remedy: 'Look at the webhook',
    };
  });

  it('keeps what fits of each list: the controllers of a full Node, and the first Pods in the way', () => {
    const { workloads: kept = [], blockedBy: shown } = boundReport({ ...REPORT, workloads: workloads(128), blockedBy });
    expect(kept.length).toBeGreaterThan(75);
    expect(kept).toEqual(workloads(128).slice(0, kept.length));
    expect(shown.length).toBeGreaterThanOrEqual(4);
    expect(shown).toEqual(blockedBy.slice(0, shown.length));
  });

  it('leaves out a controller whose UID no API server gives, and cuts a name that none takes', () => {
    const [workload] = workloads(1);
    if (workload === undefined) throw new Error('There is one');
    const hostile = { ...workload, uid: 'u'.repeat(700) };
    const long = { ...workload, name: 'n'.repeat(700) };
    const { workloads: kept } = boundReport({ ...REPORT, workloads: [hostile, long] });
    expect(kept).toEqual([{ ...workload, name: `${'n'.repeat(250)}…` }]);
  });
});

describe('`parseReport()`', () => {
  const annotation = (change: object): string => JSON.stringify({ ...REPORT, ...change });
  const blocked = { pod: 'shop/web', cause: 'NoRoom', detail: 'd', remedy: 'r' };

  it.each([
    {
      name: 'does without an entry whose cause only another version knows',
      change: { blockedBy: [{ ...blocked, cause: 'Tomorrow' }, blocked] },
      report: { ...REPORT, blockedBy: [blocked] },
    },
    {
      name: 'does without a controller that somebody has edited away',
      change: { workloads: [{ uid: 7 }] },
      report: { ...REPORT, workloads: [] },
    },
    { name: 'does without what it does not know', change: { tomorrow: 1 }, report: REPORT },
  ])('$name', ({ change, report }) => {
    expect(parseReport(annotation(change))).toEqual({ is: 'valid', report });
  });

  it.each([
    { name: 'a phase that it does not know', change: { phase: 'Tomorrow' } },
    { name: 'no session', change: { session: '' } },
    { name: 'a time that is none', change: { since: 'now' } },
  ])('cannot go on with $name', ({ change }) => {
    expect(parseReport(annotation(change)).is).toBe('invalid');
  });
});

describe('a marker that we write', () => {
  it('is read back as it is', () => {
    fc.assert(
      fc.property(
        fc.record({
          node: fc.stringMatching(/^[a-z0-9.-]{1,253}$/),
          session: fc.stringMatching(/^[a-z0-9]{8}-[a-z0-9]{8}$/),
          annotation: fc.stringMatching(/^[a-z0-9./-]{1,317}$/),
          reason: fc.constantFrom(...FAILURE_REASONS),
        }),
        (marker) => {
          expect(parseMarker(formatMarker(marker))).toEqual(marker);
        },
      ),
    );
  });
});

describe('`formatReport()`', () => {
  it.each([1018, 1021, 1024])(
    'never cuts a character in two, which would read back as another text (%i before it)',
    (length) => {
      const detail = `${'x'.repeat(length)}🔒🔒`;
      const text = formatReport({ ...REPORT, message: detail });
      expect(stored(text)).toBe(text);
      const seen = parseReport(text);
      expect(seen.is === 'valid' && formatReport(seen.report)).toBe(text);
    },
  );
});
