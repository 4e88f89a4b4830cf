/** Bounds texts of foreign origin (names, marks, answers of API servers and webhooks) where they enter ours. */

/** The longest such text in an Event, a condition, an annotation or a log line, in bytes of UTF-8. */
export const MAX_TEXT_BYTES = 1024;

const ELLIPSIS = '…';
const ELLIPSIS_BYTES = 3;

/**
 * The longest prefix that fits, with an ellipsis if something was cut off; never half a character, which an API server would return as
 * another one. Clipping twice changes nothing.
 *
 * @param maxBytes of UTF-8; at least 3.
 */
export function clip(text: string, maxBytes = MAX_TEXT_BYTES): string {
  // Each code unit takes at least one byte, so the rest need not be examined.
  const whole = text.slice(0, maxBytes + 1).toWellFormed();
  if (bytesOf(whole) <= maxBytes) return whole;
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(maxBytes - ELLIPSIS_BYTES));
  return whole.slice(0, read) + ELLIPSIS;
}

/** The length in UTF-8. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
