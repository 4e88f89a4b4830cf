/** Requests without a network, for tests of clients that send thousands of them. No watches, no faults. */
import type { ServerCore } from '../server.ts';
import { type Answer, answerOfError } from './answer.ts';
import { handle } from './handle.ts';
import { routeOf } from './route.ts';

export interface DirectRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Of the body. @default application/json */
  readonly contentType?: string;
  /** Empty for none. */
  readonly body: string;
}

/** Answers like over HTTP, as the administrator. */
export function answerDirectly({ context }: ServerCore, { method, path, contentType, body }: DirectRequest): Answer {
  const { pathname, searchParams: query } = new URL(path, 'https://127.0.0.1');
  const headers = { 'content-type': contentType ?? 'application/json' };
  const user = context.accounts.userOfHeader(`Bearer ${context.accounts.adminToken}`, context.clock.now());
  const request = { method, path: pathname, query, headers, userAgent: 'test', body, bytes: Buffer.from(body) };
  try {
    return handle({ context, address: '127.0.0.1', user }, routeOf(context.registry, pathname), request);
  } catch (error) {
    return answerOfError(error);
  }
}
