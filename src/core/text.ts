/** Texts that come from elsewhere (names, marks, answers of API servers and webhooks) are cut where they enter ours. */

/** The most bytes of UTF-8 that such a text takes in an Event, a condition, an annotation or a log line. */
export const MAX_TEXT_BYTES = 1024;

const ELLIPSIS = '…';
const ELLIPSIS_BYTES = 3;

/**
 * The longest beginning that fits, with an ellipsis where something was cut off; never half a character, which an API
 * server would give back as another one. What was clipped once stays as it is.
 *
 * @param maxBytes of UTF-8; at least 3.
 */
export function clip(text: string, maxBytes = MAX_TEXT_BYTES): string {
  // Each unit takes a byte at least: what lies beyond is not even looked at.
  const whole = text.slice(0, maxBytes + 1).toWellFormed();
  if (bytesOf(whole) <= maxBytes) return whole;
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(maxBytes - ELLIPSIS_BYTES));
  return whole.slice(0, read) + ELLIPSIS;
}

/** The length in UTF-8. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
