/** Reads a configuration file: YAML to plain data, with the line of every key. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { messageOf, unreadable } from '../core/error-message.ts';
import { isMapping, type Path } from './faults.ts';

const CONFIG_SIZE_LIMIT = 1024 * 1024;

/** Reads at most `limit` bytes, so that a huge or endless file cannot exhaust the memory; throws as `node:fs` does. */
export type ReadFile = (path: string, limit: number) => string;

export interface ConfigFile {
  readonly is: 'read';
  readonly data: Readonly<Record<string, unknown>>;
  /** The line (from 1) of the key or list entry at `path`, else of its closest ancestor that the file has. */
  lineOf(path: Path): number;
  has(path: Path): boolean;
}

export type ReadConfig = ConfigFile | { readonly is: 'faults'; readonly faults: readonly string[] };

/** Never throws; every fault is reported as `file:line: …`. */
export function readConfigFile(path: string, readFile: ReadFile): ReadConfig {
  let text: string;
  try {
    text = readFile(path, CONFIG_SIZE_LIMIT + 1);
  } catch (error) {
    return fault(`${path}: ${unreadable(error)}`);
  }
  if (Buffer.byteLength(text) > CONFIG_SIZE_LIMIT) return fault(`${path}: wanted at most 1 MiB, found more`);
  return parseConfig(path, text);
}

function parseConfig(path: string, text: string): ReadConfig {
  const lines = new LineCounter();
  // For an empty stream the result is not an array of documents but a marker object.
  const documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })];
  const [document, second] = documents;
  if (document === undefined) return fault(`${path}:1: ${WANTED_MAPPING}, found nothing`);
  const errors = documents.flatMap(({ errors: found }) => found);
  if (errors.length > 0) {
    const faults = errors.map(
      ({ pos, message }) => `${path}:${lines.linePos(pos[0]).line}: wanted YAML, found: ${message}`,
    );
    return { is: 'faults', faults };
  }
  if (second !== undefined) {
    const { line } = lines.linePos(second.range[0]);
    return fault(`${path}:${line}: wanted one YAML document, found ${documents.length}`);
  }
  return readDocument(path, document, lines);
}

const WANTED_MAPPING = 'wanted a mapping with apiVersion and kind';

function readDocument(path: string, document: Document.Parsed, lines: LineCounter): ReadConfig {
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Too many aliases: a file that would expand without bound, or an alias without its anchor.
    return fault(`${path}:1: wanted YAML, found: ${messageOf(error)}`);
  }
  if (!isMapping(data)) {
    const found = data === null || data === undefined ? 'nothing' : Array.isArray(data) ? 'a list' : 'a single value';
    return fault(`${path}:1: ${WANTED_MAPPING}, found ${found}`);
  }
  const trail = (at: Path): readonly Node[] => nodesAlong(document, at);
  return {
    is: 'read',
    data,
    lineOf: (at) => lines.linePos(trail(at).at(-1)?.range?.[0] ?? 0).line,
    has: (at) => trail(at).length === at.length,
  };
}

/** The keys (in mappings) and entries (in lists) that lead to `path`, as far as the document has them. */
function nodesAlong(document: Document.Parsed, path: Path): readonly Node[] {
  const trail: Node[] = [];
  let current: unknown = document.contents;
  for (const part of path) {
    const here = isAlias(current) ? current.resolve(document) : current;
    if (isMap(here)) {
      const pair = here.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (pair === undefined) break;
      trail.push(pair.key as Node);
      current = pair.value;
    } else if (isSeq(here) && typeof part === 'number' && here.items[part] !== undefined) {
      current = here.items[part];
      trail.push(current as Node);
    } else break;
  }
  return trail;
}

function fault(text: string): ReadConfig {
  return { is: 'faults', faults: [text] };
}
