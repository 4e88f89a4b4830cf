/**
 * Writes sandbox/kinds/types.json anew from the pinned control plane: the types from its OpenAPI document, the numbers of protobuf from the
 * sources of the same release. Run with `npm run api-types` after the pinned version in controlplane/tools has changed, then run the
 * conformance tests, which show what else the release changed.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { moduleDirectory } from '../controlplane/build.ts';
import { startControlPlane } from '../controlplane/controlplane.ts';
import { apiTypesOf, type OpenApiV2, withNumbers } from '../harness/conformance/api-types.ts';

const ROOT = resolve(import.meta.dirname, '..');
const KUBERNETES = join(ROOT, 'controlplane/tools/kubernetes');

/**
 * Modules with types, and where the packages of types such as `core.v1.Pod` are in them. Those of CustomResourceDefinitions, whose schemas
 * have an encoding of their own, are taken as JSON only.
 */
const SOURCES: readonly (readonly [module: string, folder: string])[] = [
  ['k8s.io/api', ''],
  ['k8s.io/apimachinery', 'pkg/apis'],
  ['k8s.io/apimachinery', 'pkg'],
];

await using controlPlane = await startControlPlane();
const document = await controlPlane.api.get<OpenApiV2>('/openapi/v2');
const types = apiTypesOf(document);
const packages = new Set(Object.keys(types).map((name) => name.slice(0, name.lastIndexOf('.'))));
const sources = new Map(await Promise.all([...packages].map(async (name) => [name, await sourceOf(name)] as const)));
await writeFile(join(ROOT, 'sandbox/kinds/types.json'), `${JSON.stringify(withNumbers(types, sources), null, 2)}\n`);

/** The text of a package's Go files, `core.v1` from k8s.io/api/core/v1; empty if it has no types with numbers. */
async function sourceOf(name: string): Promise<string> {
  for (const [module, folder] of SOURCES) {
    const directory = join(await moduleDirectory(KUBERNETES, module), folder, ...name.split('.'));
    const files = await readdir(directory).catch(() => []);
    const written = files.filter(
      (file) => file.endsWith('.go') && !file.endsWith('_test.go') && !file.includes('generated'),
    );
    if (written.length > 0)
      return (await Promise.all(written.map((file) => readFile(join(directory, file), 'utf8')))).join('\n');
  }
  return '';
}
