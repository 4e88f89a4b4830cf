/**
 * Reads a kubeconfig's YAML as kubectl does, including merge keys (`<<`), and refuses what kubectl would ignore silently: repeated keys,
 * further documents, unknown tags.
 */
import { parseAllDocuments } from 'yaml';

/** The message describes the fault in one sentence without a subject, and quotes nothing: the text may hold a token. */
export class KubeconfigSyntax extends Error {
  override readonly name = 'KubeconfigSyntax';
}

/** Aliases can expand a few lines to a gigabyte; a kubeconfig that shares a CA or a user among contexts needs a handful. */
const MAX_ALIASES = 100;

const WORDS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'gives a key twice',
  TAG_RESOLVE_FAILED: 'uses a YAML tag that is not supported',
};

/** @throws KubeconfigSyntax */
export function parseKubeconfig(content: string): unknown {
  const documents = [...parseAllDocuments(content, { merge: true, logLevel: 'error', prettyErrors: true })];
  const [fault] = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  if (fault !== undefined) {
    const [at] = fault.linePos ?? [];
    const where = at === undefined ? '' : ` (line ${at.line})`;
    throw new KubeconfigSyntax(`${WORDS[fault.code] ?? 'is not plain YAML or JSON'}${where}`);
  }
  try {
    const [first, ...others] = documents.map((document) => document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown);
    // Templates and concatenated files often end with a separator, behind which there is nothing.
    if (others.every((other) => other === null)) return first;
  } catch {
    throw new KubeconfigSyntax('has YAML aliases that do not resolve, or too many of them');
  }
  throw new KubeconfigSyntax('holds more than one YAML document');
}

/** Like kubectl, which does not choose between two definitions of one name either. @returns undefined if no name is repeated. */
export function repeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}
