import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ALL_FILES, availability, BASE_FILES, buildDirectory, buildOnce, cacheDirectory, locate } from './binaries.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'binaries-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fill(directory: string, files: readonly string[]): string {
  mkdirSync(directory, { recursive: true });
  for (const file of files) writeFileSync(join(directory, file), '');
  return directory;
}

const nothingRuns = (): boolean => false;
const runsOnly = (wanted: string) => (command: string) => command === wanted;

describe('`cacheDirectory()`', () => {
  it.each([
    [{ MAINTENANCE_BRIDGE_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, '/own'],
    [{ XDG_CACHE_HOME: '/xdg' }, '/xdg/maintenance-bridge'],
    [{ MAINTENANCE_BRIDGE_CACHE: '', XDG_CACHE_HOME: '' }, join(homedir(), '.cache/maintenance-bridge')],
  ])('with %o is %s', (environment, expected) => {
    expect(cacheDirectory(environment)).toBe(expected);
  });
});

describe('the look-up', () => {
  it('prefers the folder that the user names to the cache', () => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder, KUBEBUILDER_ASSETS: join(folder, 'assets') };
    fill(buildDirectory(environment), ALL_FILES);
    fill(environment.KUBEBUILDER_ASSETS, ALL_FILES);
    expect(locate(ALL_FILES, environment)).toEqual({ by: 'assets', directory: environment.KUBEBUILDER_ASSETS });
  });

  it('passes over a folder that lacks a program which is needed, and only then', () => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder, KUBEBUILDER_ASSETS: join(folder, 'assets') };
    fill(buildDirectory(environment), ALL_FILES);
    fill(environment.KUBEBUILDER_ASSETS, BASE_FILES);
    expect(locate(ALL_FILES, environment)?.by).toBe('cache');
    expect(locate(BASE_FILES, environment)?.by).toBe('assets');
  });

  it('finds nothing in an empty cache', () => {
    expect(locate(BASE_FILES, { MAINTENANCE_BRIDGE_CACHE: folder })).toBeUndefined();
  });
});

describe('`buildOnce()`', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('refuses to build while tests run, and takes what is there', async () => {
    vi.stubEnv('MAINTENANCE_BRIDGE_BUILD', 'never');
    const fill = async (): Promise<void> => expect.fail('Something is built');
    await expect(buildOnce(join(folder, 'tools'), () => false, fill)).rejects.toThrow(
      `tools is not built in ${folder}, and nothing is built while tests run`,
    );
    await buildOnce(join(folder, 'tools'), () => true, fill);
  });
});

describe('`availability()`', () => {
  it('builds nothing while tests run, even where Go could', () => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder, MAINTENANCE_BRIDGE_BUILD: 'never' };
    expect(availability(ALL_FILES, { environment, runs: runsOnly('go') })).toEqual({
      is: 'unavailable',
      why: expect.stringContaining('nothing is built while tests run'),
    });
  });

  it('asks for no program when the cache is filled', () => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder };
    fill(buildDirectory(environment), ALL_FILES);
    expect(availability(ALL_FILES, { environment, runs: nothingRuns })).toEqual({ is: 'available', by: 'cache' });
  });

  it.each([
    ['go', 'go'],
    ['docker', 'k3s'],
  ])('with only %s on an empty machine offers %s', (command, by) => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder };
    expect(availability(BASE_FILES, { environment, runs: runsOnly(command) })).toEqual({ is: 'available', by });
  });

  it('prefers Go to k3s', () => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder };
    expect(availability(BASE_FILES, { environment, runs: () => true })).toEqual({ is: 'available', by: 'go' });
  });

  it('does not offer k3s where kwok is needed', () => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder };
    expect(availability(ALL_FILES, { environment, runs: runsOnly('docker') })).toMatchObject({
      is: 'unavailable',
      why: expect.stringContaining('k3s has no simulated Nodes'),
    });
  });

  it('says each thing that is missing', () => {
    const environment = { MAINTENANCE_BRIDGE_CACHE: folder };
    expect(availability(BASE_FILES, { environment, runs: nothingRuns })).toEqual({
      is: 'unavailable',
      why: `KUBEBUILDER_ASSETS names no folder with what is needed, nothing is built in ${folder}, Go is not on the PATH, no Docker daemon answers`,
    });
  });
});
