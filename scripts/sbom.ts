/**
 * `npm run sbom`: dist/sbom.cdx.json, the components of the product, as CycloneDX 1.5. Made from package-lock.json and from the bundler's
 * inputs: `npm sbom --omit dev` leaves out packages that a development dependency needs too (such as yaml), and does not know which
 * packages are in the bundle.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundle } from './build.ts';
import { packageFoldersOf } from './notices.ts';

const ROOT = resolve(import.meta.dirname, '..');
const OUTPUT = 'dist/sbom.cdx.json';

/** The parts of a package in package-lock.json that are used. */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  /** Subresource integrity: `sha512-` and base64. */
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** By folder from the root of the checkout, such as `node_modules/zod`. */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

export interface Component {
  readonly 'bom-ref': string;
  readonly type: 'application' | 'library' | 'platform';
  readonly name: string;
  readonly version: string;
  /** `required`: it is in the bundle or runs it. `excluded`: a direct dependency of which nothing is shipped. */
  readonly scope?: 'required' | 'excluded';
  readonly purl: string;
  readonly cpe?: string;
  readonly licenses: readonly object[];
  readonly hashes?: readonly { readonly alg: 'SHA-512'; readonly content: string }[];
}

export interface Sbom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.5';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly timestamp?: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export interface SbomInput {
  readonly manifest: {
    readonly name: string;
    readonly version: string;
    readonly license: string;
    /** `node` is the runtime. */
    readonly devDependencies: { readonly node: string };
  };
  readonly packages: LockedPackages;
  /** Folders of the packages that the bundle contains code of. */
  readonly bundled: readonly string[];
  /** The date of the document, in seconds since 1970. @default it has no date */
  readonly epoch?: number;
}

/**
 * Lists the runtime and every package that the product depends on. The same input gives the same document, including the serial number.
 *
 * @throws Error if package-lock.json lacks a package, or a package's version or licence.
 */
export function makeSbom({ manifest, packages, bundled, epoch }: SbomInput): Sbom {
  const shipped = new Set(bundled);
  const folders = reachableFrom('', packages);
  for (const folder of bundled) {
    if (!folders.includes(folder))
      throw new Error(`${folder} is in the bundle, but no dependency in package-lock.json`);
  }
  const runtime = runtimeComponent(manifest.devDependencies.node);
  const product = productComponent(manifest);
  const components = [
    runtime,
    ...unique(folders.map((folder) => libraryComponent(folder, packages, shipped.has(folder)))),
  ];
  const edges = unique(
    folders.map((folder) => ({ 'bom-ref': refOf(folder, packages), dependsOn: refsOf(folder, packages) })),
  );
  const dependencies = [
    { ref: product['bom-ref'], dependsOn: [runtime['bom-ref'], ...refsOf('', packages)].sort() },
    { ref: runtime['bom-ref'], dependsOn: [] },
    ...edges.map(({ 'bom-ref': ref, dependsOn }) => ({ ref, dependsOn })),
  ];
  const content = JSON.stringify([product, components, dependencies]);
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(content)}`,
    version: 1,
    metadata: {
      ...(epoch !== undefined && { timestamp: new Date(epoch * 1000).toISOString() }),
      component: product,
    },
    components,
    dependencies,
  };
}

/** Folders of a package's dependencies and their dependencies, sorted; without the package itself. */
function reachableFrom(start: string, packages: LockedPackages): readonly string[] {
  const found = new Set<string>();
  const queue = [start];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    for (const needed of neededBy(folder, packages)) {
      if (found.has(needed)) continue;
      found.add(needed);
      queue.push(needed);
    }
  }
  return [...found].sort();
}

/** Optional packages and peers count if they are locked. */
function neededBy(folder: string, packages: LockedPackages): readonly string[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = packages[folder] ?? {};
  const isOptional = (name: string): boolean => Object.hasOwn(optionalDependencies, name);
  const wanted = Object.keys(dependencies).filter((name) => !isOptional(name));
  const welcome = [...Object.keys(optionalDependencies), ...Object.keys(peerDependencies)];
  return [
    ...wanted.map((name) => {
      const needed = resolveFrom(folder, name, packages);
      if (needed === undefined) throw new Error(`package-lock.json has no ${name}, which '${folder}' depends on`);
      return needed;
    }),
    ...welcome.flatMap((name) => resolveFrom(folder, name, packages) ?? []),
  ];
}

/** Resolves packages like Node.js: in the folder's own node_modules, then in those around it. */
function resolveFrom(folder: string, name: string, packages: LockedPackages): string | undefined {
  for (let from = folder; ; from = from.slice(0, Math.max(0, from.lastIndexOf('node_modules/') - 1))) {
    const candidate = from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`;
    if (Object.hasOwn(packages, candidate)) return candidate;
    if (from === '') return undefined;
  }
}

function refsOf(folder: string, packages: LockedPackages): readonly string[] {
  return [...new Set(neededBy(folder, packages).map((needed) => refOf(needed, packages)))].sort();
}

/** The package URL (https://github.com/package-url/purl-spec, type npm). */
function refOf(folder: string, packages: LockedPackages): string {
  const { version } = packages[folder] ?? {};
  if (version === undefined) throw new Error(`package-lock.json has no version of ${folder}`);
  return `pkg:npm/${nameOf(folder).replace('@', '%40')}@${version}`;
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function libraryComponent(folder: string, packages: LockedPackages, isShipped: boolean): Component {
  const { version = '', license, integrity } = packages[folder] ?? {};
  if (license === undefined) throw new Error(`package-lock.json has no licence of ${folder}`);
  const purl = refOf(folder, packages);
  return {
    'bom-ref': purl,
    type: 'library',
    name: nameOf(folder),
    version,
    scope: isShipped ? 'required' : 'excluded',
    purl,
    licenses: licensesOf(license),
    ...(integrity?.startsWith('sha512-') && { hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }] }),
  };
}

function runtimeComponent(version: string): Component {
  const purl = `pkg:generic/node@${version}`;
  return {
    'bom-ref': purl,
    type: 'platform',
    name: 'node',
    version,
    scope: 'required',
    purl,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    licenses: licensesOf('MIT'),
  };
}

function productComponent({ name, version, license }: SbomInput['manifest']): Component {
  const purl = `pkg:npm/${name}@${version}`;
  return { 'bom-ref': purl, type: 'application', name, version, purl, licenses: licensesOf(license) };
}

/** An SPDX identifier or expression. */
function licensesOf(license: string): readonly object[] {
  return [/[\s()]/.test(license) ? { expression: license } : { license: { id: license } }];
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
}

/** The same package in two folders is one component. */
function unique<T extends { readonly 'bom-ref': string; readonly scope?: string }>(all: readonly T[]): readonly T[] {
  const byRef = new Map<string, T>();
  for (const each of all) {
    if (byRef.get(each['bom-ref'])?.scope !== 'required') byRef.set(each['bom-ref'], each);
  }
  return [...byRef.values()].sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
}

/** A UUID of version 8 (RFC 9562: custom bits), made from the content. */
function uuidOf(content: string): string {
  const hex = createHash('sha256').update(content).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}

/**
 * The package that users install depends on nothing, since the bundle contains everything; the components of the product are the
 * development dependencies that the bundle contains code of, and all of their dependencies.
 */
export function withBundledDependencies(packages: LockedPackages, bundled: readonly string[]): LockedPackages {
  const { '': root = {} } = packages;
  const direct = Object.entries(root.devDependencies ?? {}).filter(([name]) =>
    bundled.includes(`node_modules/${name}`),
  );
  return { ...packages, '': { ...root, dependencies: Object.fromEntries(direct) } };
}

/** The document of this checkout, dated by `SOURCE_DATE_EPOCH` if that is set. */
export async function sbomOfCheckout(): Promise<Sbom> {
  const read = <T>(file: string): T => JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as T;
  const { inputs } = await bundle();
  const bundled = packageFoldersOf(Object.keys(inputs));
  const epoch = process.env.SOURCE_DATE_EPOCH;
  return makeSbom({
    manifest: read<SbomInput['manifest']>('package.json'),
    packages: withBundledDependencies(read<{ packages: LockedPackages }>('package-lock.json').packages, bundled),
    bundled,
    ...(epoch !== undefined && epoch !== '' && { epoch: Number(epoch) }),
  });
}

if (import.meta.main) {
  const sbom = await sbomOfCheckout();
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  writeFileSync(join(ROOT, OUTPUT), `${JSON.stringify(sbom, undefined, 2)}\n`);
  const shipped = sbom.components.filter(({ scope }) => scope === 'required').length;
  console.log(`${OUTPUT}: ${sbom.components.length} components, ${shipped} of them shipped`);
}
