import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, writeKubeconfig } from '../../../harness/doubles/test-kubeconfig.ts';
import { loadKubeConfig } from './credentials.ts';
import { ExecPlugin } from './exec-plugin.ts';

const API_VERSION = 'client.authentication.k8s.io/v1';
const answer = (status: unknown, apiVersion = API_VERSION): string =>
  JSON.stringify({ apiVersion, kind: 'ExecCredential', status });

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  chmodSync(file, 0o755);
  return file;
}

/** A plugin that runs the given lines of shell and then prints the text. */
function plugin(output: string, shell = '', timeoutMs?: number): ExecPlugin {
  const file = write('output', output);
  const command = write(
    'plugin.sh',
    `#!/bin/sh\n${shell}\nwhile IFS= read -r line || [ -n "$line" ]; do printf "%s\\n" "$line"; done < '${file}'\n`,
  );
  return new ExecPlugin({ apiVersion: API_VERSION, command, args: [], env: {} }, {}, Date, timeoutMs);
}

describe('an exec plugin', () => {
  it.each([
    ['a token', { token: 't' }, { token: 't', cert: undefined, key: undefined }],
    [
      'a certificate with its key',
      { clientCertificateData: 'C', clientKeyData: 'K' },
      { token: undefined, cert: Buffer.from('C'), key: Buffer.from('K') },
    ],
    [
      'both, with nulls for the rest',
      { token: 't', clientCertificateData: 'C', clientKeyData: 'K', expirationTimestamp: null },
      { token: 't', cert: Buffer.from('C'), key: Buffer.from('K') },
    ],
    [
      'a time with another zone',
      { token: 't', expirationTimestamp: '2999-01-01T00:00:00+02:00' },
      { token: 't', cert: undefined, key: undefined },
    ],
  ])('may answer with %s', async (_, status, expected) => {
    expect(await plugin(answer(status)).credential(undefined)).toEqual(expected);
  });

  it.each([
    ['no JSON', 'secret-token', 'its output is no JSON'],
    ['no status', answer(undefined), 'status'],
    ['neither token nor certificate', answer({ token: '' }), 'holds neither token nor certificate'],
    ['a certificate without its key', answer({ clientCertificateData: 'secret' }), 'holds only one of'],
    ['a token that would be two headers', answer({ token: 'secret\r\nx: y' }), 'status.token: must be printable ASCII'],
    [
      'another version than was asked for',
      answer({ token: 'secret' }, 'client.authentication.k8s.io/v1beta1'),
      'its ExecCredential is of "client.authentication.k8s.io/v1beta1", wanted client.authentication.k8s.io/v1',
    ],
  ])('that answers with %s is refused in words that quote nothing', async (_, output, words) => {
    const failure = plugin(output).credential(undefined);
    await expect(failure).rejects.toThrow(words);
    await expect(failure).rejects.not.toThrow('secret');
  });

  it.each([
    ['waits for ever', 'read -r nothing < /dev/stdin; sleep 60', 'it gave no answer within 0.3 s'],
    ['leaves something behind that holds its output open', 'sleep 60 & exit 0', 'it gave no answer within 0.3 s'],
    ['ignores polite signals', "trap '' TERM INT; sleep 60", 'it gave no answer within 0.3 s'],
  ])('that %s is given up', async (_, shell, words) => {
    await expect(plugin('', shell, 300).credential(undefined)).rejects.toThrow(words);
  });

  it('that prints without end is given up', async () => {
    const endless =
      "while :; do echo 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'; done";
    await expect(plugin('', endless).credential(undefined)).rejects.toThrow('its output is larger than 1048576 bytes');
  });

  it('that is not there says how to get it', async () => {
    const exec = {
      apiVersion: API_VERSION,
      command: join(folder, 'absent'),
      args: [],
      env: {},
      installHint: 'Get it.',
    };
    await expect(new ExecPlugin(exec, {}, Date).credential(undefined)).rejects.toThrow(/ENOENT\. Get it\.$/);
  });

  it('that failed is run again with the next question', async () => {
    const asked = plugin(
      answer({ token: 't' }),
      `if [ ! -e '${folder}/again' ]; then : > '${folder}/again'; exit 3; fi`,
    );
    await expect(asked.credential(undefined)).rejects.toThrow('it ended with code 3');
    expect(await asked.credential(undefined)).toMatchObject({ token: 't' });
  });
});

describe('`KUBERNETES_EXEC_INFO`', () => {
  /** The input that the plugin of a kubeconfig received. */
  async function told(cluster: object, exec: object, ca?: string): Promise<unknown> {
    const info = join(folder, 'info');
    const command = write(
      'plugin.sh',
      `#!/bin/sh\nprintf '%s' "$KUBERNETES_EXEC_INFO" > '${info}'\necho '${answer({ token: 't' })}'\n`,
    );
    const file = writeKubeconfig(
      {
        server: 'https://api.test:6443/',
        user: { exec: { apiVersion: API_VERSION, command, interactiveMode: 'IfAvailable', ...exec } },
        ...(ca !== undefined && { ca }),
      },
      folder,
    );
    const config = JSON.parse(readFileSync(file, 'utf8'));
    Object.assign(config.clusters[0].cluster, cluster);
    writeFileSync(file, JSON.stringify(config));
    const credentials = loadKubeConfig({ kubeconfig: file, env: {}, homedir: folder });
    await credentials.connection().catch(() => {});
    return JSON.parse(readFileSync(info, 'utf8'));
  }
  const extensions = [
    { name: 'other.example', extension: { audience: 'wrong' } },
    { name: 'client.authentication.k8s.io/exec', extension: { audience: 'plant', nested: { list: [1, true, null] } } },
  ];
  const bare = { apiVersion: API_VERSION, kind: 'ExecCredential', spec: { interactive: false } };

  it('says nothing of the cluster unless `provideClusterInfo` asks for it', async () => {
    expect(await told({ extensions }, {})).toEqual(bare);
    expect(await told({ extensions }, { provideClusterInfo: false })).toEqual(bare);
  });

  // The same input as kubectl 1.32.4 gives its plugins.
  it('has the cluster, with its extension and the CA, also where that is in a file', async () => {
    const ca = 'not parsed before the plugin was asked';
    const data = Buffer.from(ca).toString('base64');
    const cluster = {
      server: 'https://api.test:6443/',
      'tls-server-name': 'kubernetes',
      'proxy-url': 'http://proxy.test:3128',
      'certificate-authority-data': data,
      config: { audience: 'plant', nested: { list: [1, true, null] } },
    };
    const settings = { extensions, 'tls-server-name': 'kubernetes', 'proxy-url': 'http://proxy.test:3128' };
    const expected = { ...bare, spec: { cluster, interactive: false } };
    expect(await told(settings, { provideClusterInfo: true }, ca)).toEqual(expected);
    const inFile = { ...settings, 'certificate-authority': write('ca.crt', ca) };
    expect(await told(inFile, { provideClusterInfo: true })).toEqual(expected);
  });

  it('leaves out what is not set', async () => {
    const cluster = { server: 'https://api.test:6443/', 'insecure-skip-tls-verify': true };
    expect(await told({ 'insecure-skip-tls-verify': true }, { provideClusterInfo: true })).toEqual({
      ...bare,
      spec: { cluster, interactive: false },
    });
  });
});
