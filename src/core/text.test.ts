import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, clip } from './text.ts';

describe('`clip()`', () => {
  it.each([
    { name: 'leaves what fits', text: 'abc', maxBytes: 3, clipped: 'abc' },
    { name: 'ends what it cuts with an ellipsis', text: 'abcdef', maxBytes: 5, clipped: 'ab…' },
    { name: 'counts bytes', text: 'äää', maxBytes: 5, clipped: 'ä…' },
    { name: 'cuts no character in two', text: 'a🔒🔒', maxBytes: 8, clipped: 'a🔒…' },
    { name: 'replaces half a character', text: 'a\ud83d', maxBytes: 8, clipped: 'a\ufffd' },
    { name: 'takes nothing', text: '', maxBytes: 3, clipped: '' },
  ])('$name', ({ text, maxBytes, clipped }) => {
    expect(clip(text, maxBytes)).toBe(clipped);
  });

  it('gives a whole beginning that fits, whatever the text, and the same again', () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.constantFrom('a', 'ä', '🔒', '\ud83d', '"', '\u0000'), { maxLength: 60 })
          .map((units) => units.join('')),
        fc.integer({ min: 3, max: 60 }),
        (text, maxBytes) => {
          const clipped = clip(text, maxBytes);
          expect(bytesOf(clipped)).toBeLessThanOrEqual(maxBytes);
          expect(clip(clipped, maxBytes)).toBe(clipped);
          const whole = text.toWellFormed();
          expect(clipped === whole || whole.startsWith(clipped.slice(0, -1))).toBe(true);
        },
      ),
    );
  });
});
