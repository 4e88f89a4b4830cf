/** The software bill of materials names everything that is shipped, and all dependencies. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bundle } from '../../scripts/build.ts';
import { packageFoldersOf } from '../../scripts/notices.ts';
import {
  type LockedPackages,
  makeSbom,
  type SbomInput,
  sbomOfCheckout,
  withBundledDependencies,
} from '../../scripts/sbom.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: LockedPackages };
const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('node_modules/') + 13);
const keyOf = (folder: string): string => `${nameOf(folder)}@${packages[folder]?.version}`;
const sbom = await sbomOfCheckout();

/** Requirements of https://cyclonedx.org/docs/1.5/json/ for the parts that we use. */
const component = z.strictObject({
  'bom-ref': z.string().min(1),
  type: z.enum(['application', 'library', 'platform']),
  name: z.string().min(1),
  version: z.string().min(1),
  scope: z.enum(['required', 'optional', 'excluded']).optional(),
  purl: z.string().regex(/^pkg:(npm|generic)\/(%40[^/@]+\/)?[^/@]+@[^@]+$/),
  cpe: z
    .string()
    .regex(/^cpe:2\.3:a:[^:]+:[^:]+:[^:]+(:\*){7}$/)
    .optional(),
  licenses: z
    .array(
      z.union([
        z.strictObject({ license: z.strictObject({ id: z.string().regex(/^[\w.+-]+$/) }) }),
        z.strictObject({ expression: z.string() }),
      ]),
    )
    .length(1),
  hashes: z
    .array(z.strictObject({ alg: z.literal('SHA-512'), content: z.string().regex(/^[0-9a-f]{128}$/) }))
    .optional(),
});
const document = z.strictObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.5'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  version: z.literal(1),
  metadata: z.strictObject({ timestamp: z.iso.datetime().optional(), component }),
  components: z.array(component),
  dependencies: z.array(z.strictObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

describe('the bill of materials of this checkout', () => {
  it('has the form of CycloneDX 1.5, and every reference leads to one component', () => {
    document.parse(sbom);
    const refs = [sbom.metadata.component, ...sbom.components].map((each) => each['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    const used = sbom.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect(used.filter((ref) => !refs.includes(ref))).toEqual([]);
    expect(new Set(sbom.dependencies.map(({ ref }) => ref))).toEqual(new Set(refs));
  });

  it('names every package in the bundle, all that those depend on, and the runtime', async () => {
    const { inputs } = await bundle();
    const named = new Set(sbom.components.map(({ name }) => name));
    const shipped = packageFoldersOf(Object.keys(inputs));
    const wanted = shipped.flatMap((folder) => [nameOf(folder), ...Object.keys(packages[folder]?.dependencies ?? {})]);
    expect(wanted.filter((name) => !named.has(name))).toEqual([]);
    expect(named).toContain('node');
    // Development tools are not included.
    expect(['vitest', 'typescript', 'playwright-core'].filter((name) => named.has(name))).toEqual([]);
  });

  it('says of each package in the bundle that it is shipped, and of no other', async () => {
    const { inputs } = await bundle();
    const shipped = packageFoldersOf(Object.keys(inputs)).map(keyOf).sort();
    const required = sbom.components.filter(({ scope, type }) => scope === 'required' && type === 'library');
    expect(required.map(({ name, version }) => `${name}@${version}`).sort()).toEqual([...new Set(shipped)]);
    expect(shipped).toEqual(expect.arrayContaining([keyOf('node_modules/yaml'), keyOf('node_modules/zod')]));
  });

  it('is the same when it is made again', async () => {
    expect(await sbomOfCheckout()).toEqual(sbom);
  });
});

describe('`makeSbom()`', () => {
  const manifest: SbomInput['manifest'] = {
    name: 'product',
    version: '1.0.0',
    license: 'Apache-2.0',
    devDependencies: { node: '24.0.0' },
  };
  const locked: LockedPackages = {
    '': { dependencies: { a: '1' } },
    'node_modules/a': {
      version: '1.0.0',
      license: 'MIT',
      dependencies: { b: '2' },
      optionalDependencies: { missing: '1' },
    },
    'node_modules/a/node_modules/b': { version: '2.0.0', license: '(MIT OR ISC)', dependencies: { '@s/c': '1' } },
    'node_modules/b': { version: '1.0.0', license: 'MIT' },
    'node_modules/@s/c': { version: '3.0.0', license: 'ISC', peerDependencies: { a: '1' } },
  };
  const make = (packages: LockedPackages, bundled: readonly string[] = []) => makeSbom({ manifest, packages, bundled });

  it('takes the package that Node.js would load, and leaves out what nothing depends on', () => {
    const made = make(locked, ['node_modules/a']);
    expect(made.components.map(({ purl, scope }) => `${purl} ${scope}`)).toEqual([
      'pkg:generic/node@24.0.0 required',
      'pkg:npm/%40s/c@3.0.0 excluded',
      'pkg:npm/a@1.0.0 required',
      'pkg:npm/b@2.0.0 excluded',
    ]);
    expect(made.dependencies.find(({ ref }) => ref === 'pkg:npm/b@2.0.0')?.dependsOn).toEqual(['pkg:npm/%40s/c@3.0.0']);
  });

  it('begins with those development dependencies that are in the bundle', () => {
    const packages = { '': { devDependencies: { a: '1', tool: '1' } } };
    expect(withBundledDependencies(packages, ['node_modules/a'])['']?.dependencies).toEqual({ a: '1' });
  });

  it('is dated by the epoch that it is given, and by nothing else', () => {
    expect(make(locked).metadata.timestamp).toBeUndefined();
    expect(makeSbom({ manifest, packages: locked, bundled: [], epoch: 0 }).metadata.timestamp).toBe(
      '1970-01-01T00:00:00.000Z',
    );
  });

  it.each([
    ['a dependency that is not locked', { ...locked, 'node_modules/@s/c': undefined }, '@s/c'],
    ['a package without a licence', { ...locked, 'node_modules/a': { version: '1.0.0' } }, 'licence of node_modules/a'],
  ])('refuses %s', (_, faulty, words) => {
    const packages = Object.fromEntries(
      Object.entries(faulty).flatMap(([key, value]) => (value ? [[key, value]] : [])),
    );
    expect(() => make(packages)).toThrow(words);
  });

  it('refuses a bundle with a package that is no dependency', () => {
    expect(() => make(locked, ['node_modules/b'])).toThrow('node_modules/b is in the bundle');
  });
});
