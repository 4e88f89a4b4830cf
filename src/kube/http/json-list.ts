/** Parses a list item by item, so that only one raw object is held at a time: what is kept of it is a small part. */
import { endOfString } from './json-values.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

interface Items {
  readonly start: number;
  readonly end: number;
  /** Where each item begins and ends: two numbers for each. */
  readonly bounds: readonly number[];
}

/**
 * Passes each of the list's `items` to `onItem`, in their order, and returns the list without them. A text that is not an object with one
 * array `items`, or that is not regular JSON, is parsed as a whole, and nothing is passed.
 *
 * @param parse parses a part of the text; its errors, and those of `onItem`, are thrown on.
 */
export function parseList(text: string, parse: (part: string) => unknown, onItem: (item: unknown) => void): unknown {
  const items = itemsOf(text);
  if (items === undefined) return parse(text);
  const list = parse(`${text.slice(0, items.start)}[]${text.slice(items.end)}`);
  for (let at = 0; at < items.bounds.length; at += 2) onItem(parse(text.slice(items.bounds[at], items.bounds[at + 1])));
  return list;
}

function itemsOf(text: string): Items | undefined {
  let items: Items | undefined;
  let at = afterSpace(text, 0);
  if (text.charCodeAt(at) !== OBJECT) return undefined;
  for (;;) {
    at = afterSpace(text, at + 1);
    if (text.charCodeAt(at) !== QUOTE) return undefined;
    const end = endOfString(text, at);
    const isItems = text.slice(at + 1, end) === 'items';
    at = afterSpace(text, end + 1);
    if (text.charCodeAt(at) !== COLON) return undefined;
    at = afterSpace(text, at + 1);
    if (isItems) {
      const found = items === undefined && text.charCodeAt(at) === ARRAY ? boundsOf(text, at) : undefined;
      if (found === undefined) return undefined;
      items = found;
    }
    at = afterSpace(text, isItems && items !== undefined ? items.end : endOfValue(text, at));
    if (text.charCodeAt(at) === OBJECT_END) return items;
    if (text.charCodeAt(at) !== COMMA) return undefined;
  }
}

function boundsOf(text: string, start: number): Items | undefined {
  const bounds: number[] = [];
  let at = afterSpace(text, start + 1);
  if (text.charCodeAt(at) === ARRAY_END) return { start, end: at + 1, bounds };
  for (;;) {
    const end = endOfValue(text, at);
    if (end === at) return undefined;
    bounds.push(at, end);
    at = afterSpace(text, end);
    if (text.charCodeAt(at) === ARRAY_END) return { start, end: at + 1, bounds };
    if (text.charCodeAt(at) !== COMMA) return undefined;
    at = afterSpace(text, at + 1);
  }
}

/** The end of a value, regular or not; the end of the text if it is not closed. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OBJECT || code === ARRAY) depth += 1;
    else if (depth === 0 && (code === COMMA || code === OBJECT_END || code === ARRAY_END || isSpace(code))) return at;
    else if (code === OBJECT_END || code === ARRAY_END) depth -= 1;
    else continue;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function afterSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
