import http, { type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ScriptedAnswer, startScriptedServer } from '../../../harness/doubles/scripted-server.ts';
import { readBody } from './exchange.ts';

async function bodyOf(answer: ScriptedAnswer, maxBytes = 1000, mayBeCompressed = true): Promise<string> {
  await using server = await startScriptedServer(() => answer);
  const response = await new Promise<IncomingMessage>((resolve) => http.get(server.url, resolve));
  return (await readBody(response, { maxBytes, mayBeCompressed })).toString('utf8');
}

describe('`readBody()`', () => {
  it('takes a body up to the limit and not a byte more', async () => {
    expect(await bodyOf({ body: '12345678' }, 8)).toBe('12345678');
    await expect(bodyOf({ body: '123456789' }, 8)).rejects.toMatchObject({ reason: 'TooLarge', code: 200 });
  });

  it('counts what a compressed body unpacks to', async () => {
    const zeros = { headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(1000)) };
    expect(await bodyOf(zeros, 1000)).toHaveLength(1000);
    await expect(bodyOf(zeros, 999)).rejects.toMatchObject({ reason: 'TooLarge' });
  });

  it('counts what comes compressed too: members without content may follow one another without an end', async () => {
    const empty = gzipSync('');
    const members = { headers: { 'content-encoding': 'gzip' }, body: Buffer.concat(Array(100).fill(empty)) };
    expect(await bodyOf(members, 100 * empty.length)).toBe('');
    await expect(bodyOf(members, 100 * empty.length - 1)).rejects.toMatchObject({ reason: 'TooLarge' });
  });

  it('ends in the middle of unpacking, though all of what is packed is there already', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    await using server = await startScriptedServer(() => ({ headers: { 'content-encoding': 'gzip' }, body: bomb }));
    const response = await new Promise<IncomingMessage>((resolve) => http.get(server.url, resolve));
    const abort = new AbortController();
    let heldBytes = 0;
    const held = {
      holds: (bytes: number) => {
        heldBytes = bytes;
        if (bytes > 1_000_000) abort.abort(new Error('enough'));
      },
      [Symbol.dispose]: () => undefined,
    };
    const limits = { maxBytes: 512 * 1024 * 1024, mayBeCompressed: true, held, signal: abort.signal };
    await expect(readBody(response, limits).then(({ length }) => length)).rejects.toThrow('enough');
    expect(heldBytes).toBeLessThan(2_000_000);
  });

  it.each([
    ['gzip', false],
    ['br', true],
    ['deflate', true],
    ['gzip, gzip', true],
    ['GZIP', false],
  ])('refuses a body in %s where compression was asked for: %s', async (encoding, mayBeCompressed) => {
    const body = { headers: { 'content-encoding': encoding }, body: gzipSync('{}') };
    await expect(bodyOf(body, 1000, mayBeCompressed)).rejects.toMatchObject({
      reason: 'Malformed',
      message: 'The answer is compressed in a way that was not asked for',
    });
  });

  it('throws for a body that calls itself compressed and is not', async () => {
    await expect(bodyOf({ headers: { 'content-encoding': 'gzip' }, body: 'plain' })).rejects.toThrow(
      'incorrect header',
    );
  });
});
