import http, { type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ScriptedAnswer, startScriptedServer } from '../../test/support/scripted-server.ts';
import { readBody } from './exchange.ts';

async function bodyOf(answer: ScriptedAnswer, maxBytes?: number): Promise<string> {
  await using server = await startScriptedServer(() => answer);
  const response = await new Promise<IncomingMessage>((resolve) => http.get(server.url, resolve));
  return (await readBody(response, maxBytes)).toString('utf8');
}

describe('`readBody()`', () => {
  it('takes a body up to the limit and not a byte more', async () => {
    expect(await bodyOf({ body: '12345678' }, 8)).toBe('12345678');
    await expect(bodyOf({ body: '123456789' }, 8)).rejects.toMatchObject({ reason: 'Malformed', code: 200 });
  });

  it('counts what a compressed body unpacks to', async () => {
    const zeros = { headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(1000)) };
    expect(await bodyOf(zeros, 1000)).toHaveLength(1000);
    await expect(bodyOf(zeros, 999)).rejects.toMatchObject({ reason: 'Malformed' });
  });

  it('throws for a body that calls itself compressed and is not', async () => {
    await expect(bodyOf({ headers: { 'content-encoding': 'gzip' }, body: 'plain' })).rejects.toThrow(
      'incorrect header',
    );
  });
});
