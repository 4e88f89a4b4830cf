import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScriptedServer } from '../../../harness/doubles/scripted-server.ts';
import { credentialsFor } from '../../../harness/doubles/test-kubeconfig.ts';
import { createAuthority } from '../../../sandbox/certificates.ts';
import { makeClient } from '../http/client.ts';
import { makeSecureContext } from './certificates.ts';

const root = createAuthority('root');
const intermediate = root.issueAuthority('intermediate');
const leaf = intermediate.issueServer('127.0.0.1', 'api.test');
const stranger = createAuthority('root');
const BROKEN = '-----BEGIN CERTIFICATE-----\nQUJDRA==\n-----END CERTIFICATE-----\n';

/** The certificates that the server sends. Each row was tried with kubectl 1.32.4 against such a server. */
const CHAINS = { whole: leaf.cert + intermediate.cert, alone: leaf.cert } as const;

describe('which servers are trusted', () => {
  const servers = new Map<string, Server>();
  beforeAll(async () => {
    for (const [name, cert] of Object.entries(CHAINS)) {
      const server = createServer({ cert, key: leaf.key }, (socket) => socket.end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.set(name, server);
    }
  });
  afterAll(() => {
    for (const server of servers.values()) server.close();
  });

  it.each([
    ['the root', root.cert, 'whole', true],
    ['the intermediate alone', intermediate.cert, 'whole', true],
    ['the intermediate alone', intermediate.cert, 'alone', true],
    ['the server’s own certificate', leaf.cert, 'whole', true],
    ['the server’s own certificate', leaf.cert, 'alone', true],
    ['the root', root.cert, 'alone', false],
    ['another root of the same name', stranger.cert, 'whole', false],
    ['a stranger and the intermediate', stranger.cert + intermediate.cert, 'whole', true],
    ['words before the certificate', `# our CA\n${root.cert}`, 'whole', true],
    ['a broken certificate before the right one', BROKEN + root.cert, 'whole', true],
    ['Windows line ends', root.cert.replaceAll('\n', '\r\n'), 'whole', true],
  ] as const)('with %s as CA, where the server sends its certificate %#', async (_, ca, chain, expected) => {
    const server = servers.get(chain) ?? expect.unreachable();
    const { port } = server.address() as AddressInfo;
    const secureContext = makeSecureContext({ ca: Buffer.from(ca), cert: undefined, key: undefined });
    const isTrusted = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, secureContext }, () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    expect(isTrusted).toBe(expected);
  });

  it.each(['', 'garbage', BROKEN])('none, where the CA holds no certificate: %j', (ca) => {
    expect(() => makeSecureContext({ ca: Buffer.from(ca), cert: undefined, key: undefined })).toThrow(
      'the CA holds no certificate in PEM',
    );
  });
});

describe('`tls-server-name`', () => {
  it.each([
    ['127.0.0.1', 'api.test', true],
    ['127.0.0.1', 'other.test', false],
    ['localhost', '127.0.0.1', true],
    ['localhost', '127.0.0.2', false],
    ['localhost', undefined, false],
  ])('of a server at %s is %s: %s', async (host, tlsServerName, expected) => {
    await using server = await startScriptedServer(() => ({ body: {} }), { tls: { ...leaf, cert: CHAINS.whole } });
    const credentials = credentialsFor({
      server: `https://${host}:${server.url.port}`,
      ca: root.cert,
      ...(tlsServerName !== undefined && { tlsServerName }),
    });
    const answer = makeClient(credentials).request({ method: 'GET', path: '/version' });
    await (expected
      ? expect(answer).resolves.toEqual({})
      : expect(answer).rejects.toThrow(/altnames|alternative name/i));
  });
});
