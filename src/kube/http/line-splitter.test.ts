import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, LineTooLong } from './line-splitter.ts';

describe('`LineSplitter`', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ''));
    fc.assert(
      fc.property(fc.array(line), line, fc.array(fc.nat()), (lines, rest, cuts) => {
        // Invalid characters do not survive UTF-8, with or without our code.
        const text = Buffer.from([...lines, rest].join('\n')).toString('utf8');
        const bytes = Buffer.from(text);
        const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const splitter = new LineSplitter(1_000_000);
        const seen = ends.flatMap((end, i) => [...splitter.push(bytes.subarray(ends[i - 1] ?? 0, end))]);
        expect(seen).toEqual(text.split('\n').slice(0, -1));
        expect(splitter.hasRest).toBe(!text.endsWith('\n') && text !== '');
      }),
    );
  });

  it('throws as soon as a line passes the limit', () => {
    const splitter = new LineSplitter(4);
    expect([...splitter.push(Buffer.from('1234\n12'))]).toEqual(['1234']);
    expect(() => [...splitter.push(Buffer.from('345'))]).toThrow(LineTooLong);
  });
});
