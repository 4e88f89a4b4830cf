import { describe, expect, it } from 'vitest';
import { animate } from './animate.ts';

const textsOf = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text y="(\d+)"[^>]*>([^<]*)/g)].map((m) => m[2] ?? '');
const placesOf = (svg: string): readonly number[] => [...svg.matchAll(/<text y="(\d+)"/g)].map((m) => Number(m[1]));

describe('`animate()`', () => {
  it('shows each line from its moment on, with markup as text', () => {
    const svg = animate(
      [
        { atMs: 0, text: 'A <b> & c' },
        { atMs: 900, text: '   $ command' },
      ],
      'A tour',
    );
    expect(textsOf(svg)).toEqual(['A &lt;b&gt; &amp; c', '   $ command']);
    expect(svg).toContain('<title>A tour</title>');
    expect(svg).not.toMatch(/<script|href=/);
  });

  it('lets a progress line take the place of the one before it', () => {
    const bar = (done: string) => `   Draining      [${done}] 1/2`;
    const svg = animate(
      [
        { atMs: 0, text: bar('░░') },
        { atMs: 500, text: bar('█░') },
        { atMs: 900, text: 'Done' },
      ],
      'x',
    );
    const [first, second, third] = placesOf(svg);
    expect(second).toBe(first);
    expect(third).toBeGreaterThan(second ?? 0);
    expect(svg).toContain('values="hidden;visible;hidden"');
  });

  it('moves up where there are more lines than rows', () => {
    const lines = Array.from({ length: 40 }, (_, index) => ({ atMs: index * 300, text: `line ${index}` }));
    expect(animate(lines, 'x')).toMatch(/type="translate"[^>]*values="0 0;0 -18;/);
  });
});
