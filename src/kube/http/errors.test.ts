import { describe, expect, it } from 'vitest';
import { isRefusal, KubeError, type KubeErrorInit } from './errors.ts';

const WEBHOOK = 'admission webhook "pods.example.com" denied the request: hands off';

describe('`isRefusal()`', () => {
  it.each<[boolean, Pick<KubeErrorInit, 'reason' | 'code'>, string]>([
    [true, { reason: 'Forbidden', code: 403 }, 'ValidatingAdmissionPolicy denied request: hands off'],
    [true, { reason: 'Invalid', code: 422 }, 'Pod "x" is invalid'],
    [true, { reason: 'BadRequest', code: 400 }, WEBHOOK],
    [true, { reason: 'Conflict', code: 409 }, WEBHOOK],
    [true, { reason: 'ServerError', code: 500 }, WEBHOOK],
    [false, { reason: 'Conflict', code: 409 }, 'the object has been modified'],
    [false, { reason: 'ServerError', code: 500 }, 'failed calling webhook "pods.example.com"'],
    [false, { reason: 'TooManyRequests', code: 429 }, 'too many requests'],
    [false, { reason: 'Unreachable', code: 0 }, 'connect ECONNREFUSED'],
  ])('is %s for %j: %s', (isOne, status, message) => {
    expect(isRefusal(new KubeError({ ...status, message }))).toBe(isOne);
  });

  it('is false for what is no answer of an API server', () => {
    expect(isRefusal(new Error(WEBHOOK))).toBe(false);
  });
});
