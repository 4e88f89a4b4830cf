import { describe, expect, it } from 'vitest';
import { formatReport, parseReport, type Report } from './report.ts';

const REPORT: Report = {
  session: 's',
  phase: 'Draining',
  started: '2026-11-21T02:00:00.000Z',
  since: '2026-11-21T02:00:00.000Z',
  message: '',
  pods: { total: 1, gone: 0, staying: 0 },
  blockedBy: [],
};

/** As the API server stores text: Go replaces what is not a whole character. */
function stored(json: string): string {
  const wellFormed = (key: string, value: unknown): unknown =>
    typeof value === 'string' && key !== '' ? value.toWellFormed() : value;
  return JSON.stringify(JSON.parse(json, wellFormed));
}

describe('`formatReport()`', () => {
  it.each([298, 299, 300])(
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
