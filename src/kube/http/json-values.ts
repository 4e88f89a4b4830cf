/** Estimates how much memory a JSON text would take once parsed. */

const QUOTE = 0x22;
const COMMA = 0x2c;
const ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OBJECT = 0x7b;

/**
 * Whether a text holds more values than `limit`, at any depth: `[{},{},…` takes three bytes for what takes sixty in memory, and `[[[[…` one
 * for what takes fifty. The work grows with the text, and is far less than that of parsing it.
 */
export function hasMoreValues(text: string, limit: number): boolean {
  // Each value takes at least one character.
  if (text.length <= limit) return false;
  let values = 1;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COMMA || code === ARRAY || code === OBJECT) {
      values += 1;
      if (values > limit) return true;
    }
  }
  return false;
}

/** @returns the quote that ends the string which begins at `start`; the end of the text if the string is not closed. */
export function endOfString(text: string, start: number): number {
  for (let i = start + 1; ; i += 1) {
    i = text.indexOf('"', i);
    if (i === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(i - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return i;
  }
}
