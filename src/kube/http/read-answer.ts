/** Reads the body of an answer as JSON, within the limits of what may be held of it. */
import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from './byte-budget.ts';
import { KubeError } from './errors.ts';
import { type BodyLimits, readBody } from './exchange.ts';
import { parseList } from './json-list.ts';
import { hasMoreValues } from './json-values.ts';
import { excerptOf } from './status-error.ts';

/**
 * @param asked for messages.
 * @param ended ends the reading.
 * @param onItem see `ApiRequest.onItem`.
 * @throws KubeError
 */
export async function readJson<T>(
  response: IncomingMessage,
  asked: string,
  {
    values,
    inAll,
    ...limits
  }: BodyLimits & Record<'values', number | undefined> & Record<'inAll', ByteBudget | undefined>,
  ended: AbortSignal,
  onItem?: (item: unknown) => void,
): Promise<T> {
  const budget = new AbortController();
  using held = inAll?.enter(() => {
    const excess = tooMuchInAll(asked, response);
    budget.abort(excess);
    response.destroy(excess);
  });
  const signal = AbortSignal.any([ended, budget.signal]);
  const bytes = await readBody(response, { ...limits, ...(held !== undefined && { held }), signal });
  if (bytes.length === 0) return undefined as T;
  const text = bytes.toString('utf8');
  refuseValues(asked, text, values, response);
  const parse = (part: string): unknown => {
    try {
      return JSON.parse(part);
    } catch {
      // Without the parser's error as a cause: it quotes the body, and with it whatever a proxy prints there.
      const message = `${asked} answered with a body that is no JSON: ${excerptOf(text.slice(0, 1000))}`;
      throw new KubeError({ reason: 'Malformed', code: response.statusCode ?? 0, message });
    }
  };
  return (onItem === undefined ? parse(text) : parseList(text, parse, onItem)) as T;
}

/** For an answer that is ended because all answers together hold too much. */
export function tooMuchInAll(asked: string, response: IncomingMessage): KubeError {
  const message = `${asked}: too much of answers was being read at once, and this was the largest`;
  return new KubeError({ reason: 'TooLarge', code: response.statusCode ?? 0, message });
}

/** @throws KubeError (TooLarge), before anything is parsed. */
export function refuseValues(
  asked: string,
  text: string,
  limit = Number.POSITIVE_INFINITY,
  response: IncomingMessage,
): void {
  if (!hasMoreValues(text, limit)) return;
  const message = `${asked}: the answer holds more than ${limit} values`;
  throw new KubeError({ reason: 'TooLarge', code: response.statusCode ?? 0, message });
}
