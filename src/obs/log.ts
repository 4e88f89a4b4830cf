/** Structured logs by pino: JSON lines for machines, or the same records as short lines for people. */
import { destination, pino } from 'pino';
import type { Log } from '../core/ports.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'json' | 'text';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line with its line end. @default standard output, written before the call returns */
  readonly write?: (line: string) => void;
  /** @default the local wall clock */
  readonly now?: () => number;
}

/**
 * Makes a log. Every field is bounded and cleaned before it is written: values under keys that name a credential, and bearer tokens in
 * texts, are replaced; errors become plain data with their chain of causes; cycles end at a fixed depth.
 */
export function makeLog({ level, format, write = standardOutput(), now = Date.now }: LogOptions): Log {
  const line = format === 'json' ? write : (json: string) => write(toText(json));
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // `clean` turns errors into plain data in every field, not only in `err`.
      serializers: { err: (value) => value },
    },
    { write: line },
  );
  return wrap(logger);
}

/** No transport and no buffer: lines logged before an exit have been written, and the bundle needs no worker file. */
function standardOutput(): (line: string) => void {
  const stream = destination({ dest: 1, sync: true });
  // A reader that has gone away must not end the controller.
  stream.on('error', () => {});
  return (line) => {
    stream.write(line);
  };
}

type Fields = Readonly<Record<string, unknown>>;

function wrap(logger: pino.Logger): Log {
  const at = (level: LogLevel) => (message: string, fields?: Fields) => {
    if (logger.isLevelEnabled(level)) logger[level](cleanFields(fields ?? {}), message);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(cleanFields(fields))),
  };
}

const CREDENTIAL_KEY = /token|authorization|password/i;
const BEARER = /\b(Bearer\s+)[\w.~+/=-]{8,}/gi;
const REDACTED = '[redacted]';
/** Written by the log itself; a field of that name would make two keys in one line. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

const TEXT_LIMIT = 4096;
const LIST_LIMIT = 100;
const DEPTH_LIMIT = 6;

function cleanFields(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [RESERVED.has(key) ? `${key}_` : key, cleanEntry(key, value, 0)]),
  );
}

function cleanEntry(key: string, value: unknown, depth: number): unknown {
  return CREDENTIAL_KEY.test(key) && value !== undefined ? REDACTED : clean(value, depth);
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_LIMIT) return '…';
  if (value instanceof Error) return cleanError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Set) return clean([...value], depth);
  if (value instanceof Map) return clean(Object.fromEntries(value), depth);
  if (Array.isArray(value)) return value.slice(0, LIST_LIMIT).map((entry) => clean(entry, depth + 1));
  const entries = Object.entries(value).slice(0, LIST_LIMIT);
  return Object.fromEntries(entries.map(([key, entry]) => [key, cleanEntry(key, entry, depth + 1)]));
}

function cleanText(text: string): string {
  const cut = text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text;
  return cut.replace(BEARER, `$1${REDACTED}`);
}

/** Name, message, stack, own fields (an error's `reason`, `code`) and the cause, which may be an error again. */
function cleanError(error: Error, depth: number): Fields {
  const { name, message, stack, cause, ...own } = error;
  return {
    name,
    message: cleanText(message),
    ...(clean(own, depth) as Fields),
    ...(cause === undefined ? {} : { cause: clean(cause, depth + 1) }),
    stack: cleanText(stack ?? ''),
  };
}

/** `2026-11-21T11:00:00.000Z INFO  Evicting Pod Pod=shop/web-0 attempt=2` */
function toText(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Fields;
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${toWord(value)}`);
  return `${[time, String(level).toUpperCase().padEnd(5), msg, ...pairs].join(' ')}\n`;
}

/** Unquoted if it can be read back as one word; an error as its chain of messages, since only the JSON form has the stack. */
function toWord(value: unknown): string {
  const text = isErrorRecord(value) ? messagesOf(value) : value;
  if (typeof text === 'string') return /^[^\s"=\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
  return JSON.stringify(text);
}

interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: unknown;
}

function isErrorRecord(value: unknown): value is ErrorRecord {
  return typeof value === 'object' && value !== null && 'message' in value && 'stack' in value;
}

function messagesOf({ message, cause }: ErrorRecord): string {
  return isErrorRecord(cause) ? `${message}: ${messagesOf(cause)}` : message;
}
