/**
 * JSON patch (RFC 6902), with the limits and messages of the API server, which uses evanphx/json-patch: a failed `test` and a missing path
 * lead to 422, a document that is not a patch to 400.
 */
import { ApiError } from '../api.ts';
import { badRequest } from '../errors.ts';
import { isList, isObject, isSame } from '../json.ts';

/** apiserver `maxJSONPatchOperations`. */
const MAX_OPERATIONS = 10_000;

/** @throws ApiError 400, 413 or 422 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!isList(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  }
  if (patch.length > MAX_OPERATIONS) {
    const message = `Request entity is too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`;
    throw new ApiError(413, 'RequestEntityTooLarge', message);
  }
  return patch.reduce(operate, target);
}

/** The only message of the API server about a patch that cannot be applied. */
function impossible(): ApiError {
  return new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

function operate(target: unknown, operation: unknown): unknown {
  if (!isObject(operation)) throw badRequest('error decoding patch: an operation is no object');
  const { op, path, from, value } = operation;
  if (typeof path !== 'string') throw impossible();
  switch (op) {
    case 'add':
      return change(target, segmentsOf(path), path, 'add', value);
    case 'replace':
      return change(target, segmentsOf(path), path, 'replace', value);
    case 'remove':
      return change(target, segmentsOf(path), path, 'remove', undefined);
    case 'test':
      return test(target, path, value);
    case 'move': {
      const moved = find(target, textOf(from));
      const without = change(target, segmentsOf(textOf(from)), textOf(from), 'remove', undefined);
      return change(without, segmentsOf(path), path, 'add', moved);
    }
    case 'copy':
      return change(target, segmentsOf(path), path, 'add', findOrNull(target, textOf(from)));
    default:
      throw impossible();
  }
}

function test(target: unknown, path: string, value: unknown): unknown {
  let found: unknown;
  try {
    found = find(target, path);
  } catch {
    found = undefined;
  }
  if (isSame(found ?? null, value ?? null)) return target;
  throw impossible();
}

function textOf(from: unknown): string {
  if (typeof from !== 'string') throw impossible();
  return from;
}

function segmentsOf(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw impossible();
  return path
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function find(target: unknown, path: string): unknown {
  return segmentsOf(path).reduce((found, segment) => {
    if (isList(found) && indexIn(found, segment) < found.length) return found[indexIn(found, segment)];
    if (isObject(found) && Object.hasOwn(found, segment)) return found[segment];
    throw impossible();
  }, target);
}

/** The server's library copies null if only the last field is missing, and refuses to move it. */
function findOrNull(target: unknown, path: string): unknown {
  const end = path.lastIndexOf('/');
  const holder = end < 0 ? undefined : find(target, path.slice(0, end));
  const isMissing = isObject(holder) && !segmentsOf(path.slice(end)).every((field) => Object.hasOwn(holder, field));
  return isMissing ? null : find(target, path);
}

function indexIn(list: readonly unknown[], segment: string): number {
  if (segment === '-') return list.length;
  if (!/^(0|[1-9]\d{0,8})$/.test(segment) || Number(segment) > list.length) throw impossible();
  return Number(segment);
}

type Kind = 'add' | 'replace' | 'remove';

function change(target: unknown, segments: readonly string[], path: string, kind: Kind, value: unknown): unknown {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    if (kind === 'remove') throw impossible();
    return value;
  }
  if (isList(target)) {
    const index = indexIn(target, segment);
    if (rest.length > 0 && index < target.length)
      return target.with(index, change(target[index], rest, path, kind, value));
    if (rest.length > 0 || (kind !== 'add' && index >= target.length)) throw impossible();
    if (kind === 'add') return target.toSpliced(index, 0, value);
    return kind === 'remove' ? target.toSpliced(index, 1) : target.with(index, value);
  }
  if (!isObject(target)) throw impossible();
  const isThere = Object.hasOwn(target, segment);
  if (rest.length > 0) {
    if (!isThere) throw impossible();
    return { ...target, [segment]: change(target[segment], rest, path, kind, value) };
  }
  // The server's library also replaces a missing field (evanphx/json-patch 4).
  if (kind === 'remove' && !isThere) throw impossible();
  if (kind !== 'remove') return { ...target, [segment]: value };
  const { [segment]: _, ...without } = target;
  return without;
}
