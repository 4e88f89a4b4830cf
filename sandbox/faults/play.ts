/** Applies a fault to an answer. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../api.ts';
import { type Answer, answerOfError, bytesOf } from '../http/answer.ts';
import type { Fault } from './rules.ts';

/** Reasons and messages of the server by code. */
const REASONS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden by a scripted fault'],
  404: ['NotFound', 'the server could not find the requested resource'],
  409: [
    'Conflict',
    'Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again',
  ],
  410: ['Expired', 'too old resource version'],
  429: ['TooManyRequests', 'Too many requests, please try again later.'],
  500: ['InternalError', 'Internal error occurred: scripted fault'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
};

/** Milliseconds between two pieces of a slow answer. */
const PIECE_MS = 50;

/**
 * Applies a fault that replaces the request's execution. @param reset breaks its connection @returns undefined if the request is executed.
 */
export function insteadOf(fault: Fault, reset: () => void): 'done' | Answer | undefined {
  switch (fault.is) {
    case 'status':
      return statusAnswer(fault);
    case 'hang':
      return 'done';
    case 'reset':
      reset();
      return 'done';
    default:
      return undefined;
  }
}

function statusAnswer({ code, reason, message, retryAfterSeconds }: Extract<Fault, { is: 'status' }>): Answer {
  const [usualReason = '', usualMessage = 'scripted fault'] = REASONS[code] ?? [];
  const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return answerOfError(new ApiError(code, reason ?? usualReason, message ?? usualMessage, details));
}

/** Sends an answer with the fault. @returns whether it did; else the answer is sent as usual. */
export async function sendFaulty(
  fault: Fault | undefined,
  answer: Answer,
  response: ServerResponse,
  reset: () => void,
): Promise<boolean> {
  switch (fault?.is) {
    case 'lost':
      reset();
      return true;
    case 'late':
      await sleep(fault.ms);
      return false;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('<html>a proxy in between</html>');
      return true;
    case 'truncated': {
      const body = bytesOf(answer);
      head(response, answer, body);
      response.write(body.slice(0, Math.ceil(body.length / 2)), () => response.socket?.destroy());
      return true;
    }
    case 'slow':
      await drip(response, answer, fault.bytesPerSecond);
      return true;
    default:
      return false;
  }
}

function head(response: ServerResponse, { code, headers }: Answer, body: string): void {
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
}

async function drip(response: ServerResponse, answer: Answer, bytesPerSecond: number): Promise<void> {
  const body = Buffer.from(bytesOf(answer));
  head(response, answer, body.toString());
  const piece = Math.max(1, Math.round((bytesPerSecond * PIECE_MS) / 1000));
  for (let start = 0; start < body.length && !response.destroyed; start += piece) {
    response.write(body.subarray(start, start + piece));
    await sleep(PIECE_MS);
  }
  response.end();
}
