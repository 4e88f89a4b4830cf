/** Constructs that a decision must not contain, since with them the same observation could lead to different decisions. */
import { childrenOf, type SyntaxNode } from './source-files.ts';

/** Globals that read a clock, randomness or the machine, that wait, or that give access to these under another name. */
const FORBIDDEN_GLOBALS: ReadonlySet<string> = new Set([
  ...['performance', 'Temporal', 'Intl', 'crypto'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask'],
  ...['process', 'navigator', 'console', 'require', 'module', '__dirname', '__filename'],
  ...['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'Worker', 'BroadcastChannel', 'MessageChannel'],
  ...['Promise', 'AbortSignal', 'AbortController', 'Atomics', 'WeakRef', 'FinalizationRegistry'],
  ...['globalThis', 'global', 'eval', 'Function'],
]);

/** Methods of a Date that depend on the machine's time zone or locale. */
const LOCAL_MEMBERS =
  /^(toLocale\w*String|localeCompare|getTimezoneOffset|(get|set)(Day|Date|Month|FullYear|Hours|Minutes))$/;

/**
 * Each forbidden construct in a module, by a name that a reader can search for; sorted, without repetitions. Names are assumed to be the
 * usual globals: a module that declares a `process` of its own is refused too.
 */
export function impuritiesIn(program: SyntaxNode): readonly string[] {
  return [...new Set(visit(program))].sort();
}

function* visit(node: SyntaxNode, parent?: SyntaxNode, key?: string): Generator<string> {
  // Types are gone when the program runs, but an expression inside a type assertion is not.
  if (node.type.startsWith('TS') && !('expression' in node && isExpressionWrapper(node))) return;
  yield* impuritiesOf(node, parent, key);
  for (const [name, value] of Object.entries(node)) {
    const children = childrenOf({ type: 'Part', value });
    for (const child of children) yield* visit(child, node, name);
  }
}

function isExpressionWrapper({ type }: SyntaxNode): boolean {
  return ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSInstantiationExpression'].includes(type);
}

function* impuritiesOf(node: SyntaxNode, parent: SyntaxNode | undefined, key: string | undefined): Generator<string> {
  if (node.async === true) yield 'async';
  if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await === true)) yield 'await';
  if (node.type === 'VariableDeclaration' && node.kind === 'await using') yield 'await';
  if (node.type === 'ImportExpression') yield 'import()';
  if (node.type === 'MetaProperty' && nameOf(node.meta) === 'import') yield 'import.meta';
  if (node.type === 'MemberExpression' && LOCAL_MEMBERS.test(memberOf(node) ?? '')) yield `.${memberOf(node)}()`;
  if (node.type === 'Identifier' && isReference(parent, key)) yield* referenceTo(String(node.name), parent, key);
}

function* referenceTo(name: string, parent: SyntaxNode | undefined, key: string | undefined): Generator<string> {
  if (FORBIDDEN_GLOBALS.has(name)) yield name;
  const member = parent?.type === 'MemberExpression' && key === 'object' ? memberOf(parent) : undefined;
  if (name === 'Math' && (member === undefined || member === 'random')) yield 'Math.random()';
  if (name === 'Date' && !isTimeless(member, parent, key)) yield member === 'now' ? 'Date.now()' : 'new Date()';
}

/** `Date.parse(text)`, `Date.UTC(…)`, `new Date(value)` and `x instanceof Date` read no clock. */
function isTimeless(member: string | undefined, parent: SyntaxNode | undefined, key: string | undefined): boolean {
  if (member === 'parse' || member === 'UTC') return true;
  if (parent?.type === 'BinaryExpression' && parent.operator === 'instanceof') return true;
  if (parent?.type !== 'NewExpression' || key !== 'callee') return false;
  const [first] = parent.arguments as readonly SyntaxNode[];
  return first !== undefined && first.type !== 'SpreadElement' && nameOf(first) !== 'undefined';
}

/** Whether an identifier at this place is a variable, and not the name of a member or of a property. */
function isReference(parent: SyntaxNode | undefined, key: string | undefined): boolean {
  if (parent === undefined) return true;
  if (parent.type === 'MemberExpression') return key === 'object' || parent.computed === true;
  if (['Property', 'MethodDefinition', 'PropertyDefinition'].includes(parent.type) && key === 'key') {
    return parent.computed === true || parent.shorthand === true;
  }
  return !['ImportSpecifier', 'ExportSpecifier', 'LabeledStatement', 'BreakStatement'].includes(parent.type);
}

/** The name of a member, also of `object['name']`. */
function memberOf({ property, computed }: SyntaxNode): string | undefined {
  if (computed !== true) return nameOf(property);
  const { type, value } = property as SyntaxNode;
  return type === 'Literal' ? String(value) : undefined;
}

function nameOf(node: unknown): string | undefined {
  const name = (node as SyntaxNode | undefined)?.name;
  return typeof name === 'string' ? name : undefined;
}
