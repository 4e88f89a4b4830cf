/** The package that `npx` runs: the bundle and its licences, without other packages. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PLUGIN_FILES, releasePackages } from '../../scripts/release-packages.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const LIMIT_BYTES = 5 * 1024 * 1024;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

describe('the npm package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-bridge-package-'));
  const home = join(folder, 'home');
  let packed: Packed;

  const npm = (cwd: string, ...args: readonly string[]): string =>
    execFileSync('npm', args, {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
      // Earlier downloads must not be used.
      env: { ...process.env, npm_config_cache: join(folder, 'cache'), npm_config_offline: 'true' },
    });

  beforeAll(() => {
    const out = npm(ROOT, 'pack', '--json', '--pack-destination', folder);
    // The output of the build comes before it.
    const parsed: unknown = JSON.parse(out.slice(out.search(/^[[{]$/m)));
    // Newer npm versions print an object by name instead of a list.
    [packed] = Object.values(parsed as Record<string, Packed>) as [Packed];
    mkdirSync(home);
    writeFileSync(join(home, 'package.json'), '{"private": true}');
    npm(home, 'install', '--no-audit', '--no-fund', join(folder, packed.filename));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('holds the bundle and its licences alone, and stays under 5 MiB', ({ annotate }) => {
    expect(packed.files.map(({ path }) => path).sort()).toEqual([
      'LICENSE',
      'README.md',
      'dist/THIRD-PARTY-NOTICES.txt',
      'dist/maintenance-bridge.cjs',
      'package.json',
    ]);
    expect(packed.unpackedSize).toBeLessThan(LIMIT_BYTES);
    return annotate(`${Math.round(packed.size / 1024)} KiB, ${Math.round(packed.unpackedSize / 1024)} KiB unpacked`);
  });

  it('installs without a network, and nothing else comes with it', () => {
    const installed = readdirSync(join(home, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(installed).toEqual(['maintenance-bridge']);
    const manifest = JSON.parse(readFileSync(join(home, 'node_modules/maintenance-bridge/package.json'), 'utf8'));
    expect(manifest.dependencies).toBeUndefined();
  });

  it('is offered as a plugin too: the archive is what the manifest for krew names', () => {
    const offered = join(folder, 'offered');
    const files = releasePackages(offered);
    expect([...files].sort()).toEqual(readdirSync(offered).sort());
    const manifest = parse(readFileSync(join(offered, 'node-maintenance.yaml'), 'utf8'));
    const [platform] = manifest.spec.platforms;
    const archive = join(offered, platform.uri.split('/').at(-1));
    expect(platform.uri).toMatch(/^https:\/\/github\.com\/.+\/releases\/download\/v\d+\.\d+\.\d+\/[\w.-]+\.tar\.gz$/);
    expect(platform.sha256).toBe(createHash('sha256').update(readFileSync(archive)).digest('hex'));
    const target = join(folder, 'plugin');
    mkdirSync(target);
    execFileSync('tar', ['-xzf', archive, '-C', target]);
    for (const { from } of platform.files) expect(existsSync(join(target, from)), from).toBe(true);
    expect(platform.files.map(({ from }: { from: string }) => from).sort()).toEqual([...PLUGIN_FILES].sort());
    const program = join(target, platform.files[0].from);
    // As kubectl calls it: by the name that krew links.
    const out = execFileSync(process.execPath, [program, 'version'], { encoding: 'utf8' });
    expect(out).toMatch(/^maintenance-bridge \d/);
    expect(statSync(program).mode & 0o111).not.toBe(0);
    const again = join(folder, 'again');
    releasePackages(again);
    expect(readFileSync(join(again, platform.uri.split('/').at(-1)))).toEqual(readFileSync(archive));
  });

  it.each([
    [['version'], /^maintenance-bridge \d+\.\d+\.\d+ /],
    [['plan', '--help'], /^Usage: maintenance-bridge plan /],
    [['status', '--help'], /^Usage: maintenance-bridge status /],
    [['roll', '--help'], /^Usage: maintenance-bridge roll /],
    [['dashboard', '--help'], /^Usage: maintenance-bridge dashboard /],
    [['run', '--help'], /^Usage: maintenance-bridge run /],
  ])('is run by npx: %j', (args, out) => {
    expect(npm(home, 'exec', '--', 'maintenance-bridge', ...args)).toMatch(out);
  });
});
