/** `docs/sandbox.md` is correct. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { KNOWN_DIFFERENCES } from '../../harness/conformance/known-differences.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const page = await readFile(join(ROOT, 'docs/sandbox.md'), 'utf8');

it('lists the known differences, each with its reason', () => {
  const [, listed = ''] = page.split('## Known differences\n\n');
  expect(listed).toBe(KNOWN_DIFFERENCES.map(({ what, why }) => `- ${what} ${why}\n`).join(''));
});

it('has an example that runs', async () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(page) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-example-'));
  try {
    const here = code.replaceAll("'./sandbox/", `'${ROOT}/sandbox/`).replaceAll('/tmp/sandbox/', `${folder}/`);
    await writeFile(join(folder, 'example.mts'), here);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'example.mts')]);
    expect(stdout).toMatch(/^\d+\n$/);
    expect(await readFile(join(folder, 'kubeconfig'), 'utf8')).toContain('certificate-authority-data');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
