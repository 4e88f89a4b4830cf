/**
 * The few kubectl commands that the tour shows, for machines without kubectl: the same requests and the same answers. A test runs each of
 * them with the real program too.
 */
import { type Rest, RestError } from './rest.ts';

/** The output and the exit code of kubectl. */
export interface KubectlAnswer {
  readonly code: 0 | 1;
  readonly stdout: string;
  readonly stderr: string;
}

interface Kind {
  readonly words: readonly string[];
  /** The name of the kind in kubectl's answers. */
  readonly title: string;
  readonly path: string;
  readonly isNamespaced: boolean;
}

const KINDS: readonly Kind[] = [
  { words: ['node', 'nodes', 'no'], title: 'node', path: '/api/v1', isNamespaced: false },
  { words: ['pod', 'pods', 'po'], title: 'pod', path: '/api/v1', isNamespaced: true },
  {
    words: ['machine', 'machines', 'ma'],
    title: 'machine.cluster.x-k8s.io',
    path: '/apis/cluster.x-k8s.io/v1beta2',
    isNamespaced: true,
  },
  {
    words: ['baremetalhost', 'baremetalhosts', 'bmh'],
    title: 'baremetalhost.metal3.io',
    path: '/apis/metal3.io/v1alpha1',
    isNamespaced: true,
  },
  {
    words: ['maintenancemode', 'maintenancemodes'],
    title: 'maintenancemode.ramendr.openshift.io',
    path: '/apis/ramendr.openshift.io/v1alpha1',
    isNamespaced: false,
  },
];

/** The object of a command. */
interface Target {
  readonly title: string;
  readonly name: string;
  /** Undefined for a Node. */
  readonly namespace: string | undefined;
  readonly path: string;
  /** `key=value`, `key-`, … */
  readonly changes: readonly string[];
  readonly mayOverwrite: boolean;
}

/** kubectl's own message, printed as it is. */
class Refusal extends Error {}

interface Marking {
  readonly verb: string;
  readonly field: 'labels' | 'annotations';
  /** Whether removing a missing key is reported. */
  readonly tellsMissing: boolean;
  /** The message about the object, by the kind of change. */
  readonly said: { readonly nothing: string; readonly set: string; readonly removed: string; readonly both: string };
}

const LABELLING: Marking = {
  verb: 'label',
  field: 'labels',
  tellsMissing: true,
  said: { nothing: 'not labeled', set: 'labeled', removed: 'unlabeled', both: 'modified' },
};
const ANNOTATING: Marking = {
  verb: 'annotate',
  field: 'annotations',
  tellsMissing: false,
  said: { nothing: 'annotated', set: 'annotated', removed: 'annotated', both: 'annotated' },
};

type Command = (api: Rest, target: Target) => Promise<string>;

const COMMANDS: Readonly<Record<string, Command>> = {
  taint,
  label: (api, target) => mark(api, target, LABELLING),
  annotate: (api, target) => mark(api, target, ANNOTATING),
  delete: remove,
};

/**
 * `taint`, `label`, `annotate` and `delete` (which does not wait) of one Node, Pod, Machine or BareMetalHost, with `--namespace` and
 * `--overwrite`. Refusals by the API server are reported like in kubectl.
 *
 * @throws Error for commands that kubectl supports and this function does not; any error of `api` if no answer came
 */
export async function kubectl(api: Rest, args: readonly string[]): Promise<KubectlAnswer> {
  const [word = ''] = args;
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (command === undefined) throw new Error(`Wanted ${Object.keys(COMMANDS).join(', ')}; found ${word}`);
  try {
    return { code: 0, stdout: `${await command(api, parse(args))}\n`, stderr: '' };
  } catch (error) {
    const message = refusalOf(error);
    if (message === undefined) throw error;
    return { code: 1, stdout: '', stderr: `${message}\n` };
  }
}

function refusalOf(error: unknown): string | undefined {
  if (error instanceof Refusal) return `error: ${error.message}`;
  if (!(error instanceof RestError)) return undefined;
  const { reason = 'Unknown', message = String(error.body) } = (error.body ?? {}) as {
    readonly reason?: string;
    readonly message?: string;
  };
  return `Error from server (${reason}): ${message}`;
}

function parse([command, ...args]: readonly string[]): Target {
  let namespace = 'default';
  let mayOverwrite = false;
  const words: string[] = [];
  const left = args[Symbol.iterator]();
  for (const arg of left) {
    if (arg === '-n' || arg === '--namespace') namespace = left.next().value ?? '';
    else if (arg === '--overwrite') mayOverwrite = true;
    else if (arg.startsWith('-') && arg !== '--wait=false')
      throw new Error(`kubectl ${command} ${arg} is not known here`);
    else if (!arg.startsWith('-')) words.push(arg);
  }
  const [word = '', name = '', ...changes] = words;
  const kind = KINDS.find(({ words }) => words.includes(word));
  if (kind === undefined || name === '') throw new Error(`Wanted a kind and a name, found "${word} ${name}"`);
  const { title, isNamespaced } = kind;
  const collection = `${isNamespaced ? `${kind.path}/namespaces/${namespace}` : kind.path}/${kind.words[1]}`;
  return {
    title,
    name,
    namespace: isNamespaced ? namespace : undefined,
    path: `${collection}/${name}`,
    changes,
    mayOverwrite,
  };
}

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

async function taint(api: Rest, { title, name, path, changes, mayOverwrite }: Target): Promise<string> {
  const node = await api.get<{ spec: { taints?: readonly Taint[] } }>(path);
  let taints = [...(node.spec.taints ?? [])];
  let isOverwriting = false;
  for (const change of changes) {
    const isRemoval = change.endsWith('-');
    const [identity = '', effect = ''] = (isRemoval ? change.slice(0, -1) : change).split(':');
    const [key = '', value = ''] = identity.split('=');
    const isMeant = (each: Taint): boolean => each.key === key && (effect === '' || each.effect === effect);
    const others = taints.filter((each) => !isMeant(each));
    const isThere = others.length < taints.length;
    // The value is ignored for a removal, and for finding the taint.
    if (isRemoval && !isThere) throw new Refusal(`taint "${effect === '' ? key : `${key}:${effect}`}" not found`);
    if (!isRemoval && isThere && !mayOverwrite)
      throw new Refusal(`node ${name} already has ${key} taint(s) with same effect(s) and --overwrite is false`);
    isOverwriting ||= !isRemoval && isThere;
    taints = isRemoval ? others : [{ key, ...(value !== '' && { value }), effect }, ...others];
  }
  await api.patch(path, { spec: { taints: taints.length === 0 ? null : taints } }, 'strategic-merge', {
    fieldManager: 'kubectl-taint',
  });
  const removals = changes.filter((change) => change.endsWith('-')).length;
  const isOneKind = removals === 0 ? !isOverwriting : removals === changes.length;
  return `${title}/${name} ${!isOneKind ? 'modified' : removals === 0 ? 'tainted' : 'untainted'}`;
}

type Marks = Readonly<Record<string, string>>;

async function mark(api: Rest, { title, name, path, changes, mayOverwrite }: Target, how: Marking): Promise<string> {
  const { verb, field, tellsMissing, said } = how;
  const { metadata } = await api.get<{ metadata: { [each in Marking['field']]?: Marks } }>(path);
  const present = metadata[field] ?? {};
  const marks: Record<string, string | null> = {};
  const notes: string[] = [];
  for (const change of changes) {
    const [key = '', value] = change.endsWith('-') ? [change.slice(0, -1)] : change.split(/=(.*)/s);
    const was = present[key];
    if (value === undefined && was === undefined && tellsMissing) notes.push(`${verb} "${key}" not found.`);
    if (value !== undefined && was !== undefined && was !== value && !mayOverwrite)
      throw new Refusal(`'${key}' already has a value (${was}), and --overwrite is false`);
    if (value !== was) marks[key] = value ?? null;
  }
  const values = Object.values(marks);
  if (values.length > 0)
    await api.patch(path, { metadata: { [field]: marks } }, 'merge', { fieldManager: `kubectl-${verb}` });
  const removed = values.filter((value) => value === null).length;
  const done = values.length === 0 ? 'nothing' : removed === 0 ? 'set' : removed < values.length ? 'both' : 'removed';
  return [...notes, `${title}/${name} ${said[done]}`].join('\n');
}

async function remove(api: Rest, { title, name, namespace, path }: Target): Promise<string> {
  await api.delete(path, { propagationPolicy: 'Background' });
  return `${title} "${name}" deleted${namespace === undefined ? '' : ` from ${namespace} namespace`}`;
}
