/** TypeScript sources and their imports, for tests that check the layout of the code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

/** A node of the syntax tree, with the fields that a walk over all kinds of nodes needs. */
export interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** Path from the root of the tree, with forward slashes; undefined for a package. */
  readonly target?: string;
  /** Whether the module is loaded when the program runs: everything but `import type` and `export type`. */
  readonly atRunTime: boolean;
}

export interface SourceFile {
  /** Path from the root of the tree, with forward slashes. */
  readonly path: string;
  readonly program: SyntaxNode;
  readonly imports: readonly Import[];
}

/**
 * The sources under some folders of a tree, by path; without tests.
 *
 * @param root the tree that paths are relative to.
 * @throws SyntaxError if a file cannot be parsed.
 */
export function readSources(root: string, folders: readonly string[]): ReadonlyMap<string, SourceFile> {
  const paths = folders.flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
          .map((file) =>
            relative(root, join(root, folder, file))
              .split(sep)
              .join('/'),
          )
      : [],
  );
  return new Map(paths.sort().map((path) => [path, parseSource(path, readFileSync(join(root, path), 'utf8'))]));
}

/** @param path from the root of the tree. */
function parseSource(path: string, text: string): SourceFile {
  const program = parseAst(text, { lang: 'ts' }, path) as unknown as SyntaxNode;
  return { path, program, imports: [...walk(program)].flatMap((node) => importOf(path, node)) };
}

/** The node and all nodes below it, in the order of the text. */
export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as Partial<SyntaxNode>).type === 'string';
}

/**
 * `import { type T } from` loads its module, because `verbatimModuleSyntax` keeps the import without names; so does an import expression,
 * if its specifier is a constant.
 */
function importOf(path: string, node: SyntaxNode): readonly Import[] {
  const kinds = ['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression'];
  if (!kinds.includes(node.type) || !isNode(node.source)) return [];
  const specifier = String(node.source.value ?? '(an expression)');
  const target = specifier.startsWith('.') ? posix.join(dirname(path), specifier) : undefined;
  const atRunTime = node.importKind !== 'type' && node.exportKind !== 'type';
  return [{ specifier, ...(target !== undefined && { target }), atRunTime }];
}
