/**
 * Decodes objects in Kubernetes' protobuf form, which kubectl sends for kinds that it knows (`create deployment`, `drain`, `auth can-i`).
 * The field numbers are in `types.json`. Answers are always JSON, which these clients accept too.
 */
import { badRequest } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { fieldsOfType } from './types.ts';

/** `k8s` and a zero, then a `runtime.Unknown`. */
const MAGIC = Buffer.from('k8s\0');

interface Numbered {
  readonly name: string;
  readonly type: string;
  /** A pointer in Go: an explicit zero is meant. */
  readonly keepsZero: boolean;
}

type Numbers = ReadonlyMap<string, Numbered>;
const tables = new Map<string, Numbers>();

/** @param typeOf returns the type of the content, by `apiVersion` and `kind`. @throws ApiError 400 if it cannot be decoded */
export function readProtobuf(
  bytes: Buffer,
  typeOf: (apiVersion: string, kind: string) => string | undefined,
): JsonObject {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw malformed('it does not begin as one');
  let [apiVersion, kind] = ['', ''];
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, bytes: part } of fieldsIn(bytes.subarray(MAGIC.length))) {
    if (number === 2) raw = part;
    if (number !== 1) continue;
    for (const field of fieldsIn(part)) {
      if (field.number === 1) apiVersion = field.bytes.toString();
      if (field.number === 2) kind = field.bytes.toString();
    }
  }
  const type = typeOf(apiVersion, kind);
  if (type === undefined) throw malformed(`the kind ${kind} of ${apiVersion} is not known`);
  return { apiVersion, kind, ...structIn(type, raw) };
}

const malformed = (why: string) => badRequest(`the protobuf object provided cannot be read: ${why}`);

interface WireField {
  readonly number: number;
  readonly value: bigint;
  readonly bytes: Buffer;
}

function* fieldsIn(bytes: Buffer): Generator<WireField> {
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const key = Number(varint(reader));
    const number = key >> 3;
    switch (key & 7) {
      case 0:
        yield { number, value: varint(reader), bytes: Buffer.alloc(0) };
        break;
      case 1:
        yield { number, value: 0n, bytes: take(reader, 8) };
        break;
      case 2:
        yield { number, value: 0n, bytes: take(reader, Number(varint(reader))) };
        break;
      case 5:
        yield { number, value: 0n, bytes: take(reader, 4) };
        break;
      default:
        throw malformed(`wire type ${key & 7}`);
    }
  }
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function varint(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at];
    if (byte === undefined) throw malformed('it ends in the middle of a number');
    reader.at += 1;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, value);
  }
  throw malformed('a number is too long');
}

function take(reader: Reader, length: number): Buffer {
  const end = reader.at + length;
  if (length < 0 || end > reader.bytes.length) throw malformed('it ends in the middle of a field');
  const taken = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return taken;
}

function numbersOf(type: string): Numbers {
  const known = tables.get(type);
  if (known !== undefined) return known;
  const made = new Map<string, Numbered>();
  for (const [name, text] of Object.entries(fieldsOfType(type) ?? {})) {
    const number = /#([\d.]+)(\?)?/.exec(text);
    if (number === null) continue;
    const [wanted = ''] = text.split(' ');
    made.set(number[1] ?? '', { name, type: wanted.replace(/!$/, ''), keepsZero: number[2] === '?' });
  }
  tables.set(type, made);
  return made;
}

/** @param prefix of the numbers: structs that are inlined in JSON are separate messages in protobuf. */
function structIn(type: string, bytes: Buffer, prefix = '', result: Record<string, unknown> = {}): JsonObject {
  const numbers = numbersOf(type);
  for (const wire of fieldsIn(bytes)) {
    const number = `${prefix}${wire.number}`;
    const field = numbers.get(number);
    if (field !== undefined) addField(result, field, wire);
    else if ([...numbers.keys()].some((key) => key.startsWith(`${number}.`)))
      structIn(type, wire.bytes, `${number}.`, result);
  }
  return result;
}

function addField(result: Record<string, unknown>, { name, type, keepsZero }: Numbered, wire: WireField): void {
  if (type.startsWith('[')) {
    const list = (result[name] ?? []) as unknown[];
    result[name] = [...list, valueIn(type.slice(1, -1), wire)];
    return;
  }
  if (type.startsWith('{')) {
    let [key, value]: [string, unknown] = ['', ''];
    for (const entry of fieldsIn(wire.bytes)) {
      if (entry.number === 1) key = entry.bytes.toString();
      if (entry.number === 2) value = valueIn(type.slice(1, -1), entry);
    }
    result[name] = { ...(result[name] as object | undefined), [key]: value };
    return;
  }
  const value = valueIn(type, wire);
  const isZero = value === '' || value === 0 || value === false || value === undefined;
  if (!isZero || (keepsZero && value !== undefined)) result[name] = value;
}

function valueIn(type: string, wire: WireField): unknown {
  const { bytes, value } = wire;
  const [plain, format] = type.split(':');
  switch (plain) {
    case 'string':
      return format === 'byte' ? bytes.toString('base64') : bytes.toString();
    case 'integer':
      return Number(value);
    case 'number':
      return bytes.length === 8 ? bytes.readDoubleLE() : Number(value);
    case 'boolean':
      return value !== 0n;
    case 'meta.v1.Time':
    case 'meta.v1.MicroTime':
      return timeIn(bytes, plain === 'meta.v1.MicroTime');
    case 'api.resource.Quantity':
      return partsOf(bytes).get(1)?.bytes.toString() ?? '0';
    case 'util.intstr.IntOrString': {
      const parts = partsOf(bytes);
      return parts.get(1)?.value === 1n ? (parts.get(3)?.bytes.toString() ?? '') : Number(parts.get(2)?.value ?? 0n);
    }
    case 'meta.v1.FieldsV1':
    case 'runtime.RawExtension': {
      const raw = partsOf(bytes).get(1)?.bytes.toString() ?? '';
      return raw === '' ? undefined : JSON.parse(raw);
    }
    default:
      return structIn(type, bytes);
  }
}

const partsOf = (bytes: Buffer): ReadonlyMap<number, WireField> =>
  new Map([...fieldsIn(bytes)].map((field) => [field.number, field]));

/** Seconds and nanoseconds; a time that is not set has neither. */
function timeIn(bytes: Buffer, isMicro: boolean): string | undefined {
  if (bytes.length === 0) return undefined;
  const parts = partsOf(bytes);
  const whole = new Date(Number(parts.get(1)?.value ?? 0n) * 1000).toISOString().slice(0, 19);
  const micros = Number(parts.get(2)?.value ?? 0n) / 1000;
  return isMicro ? `${whole}.${String(Math.floor(micros)).padStart(6, '0')}Z` : `${whole}Z`;
}
