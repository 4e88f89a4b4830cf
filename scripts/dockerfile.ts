/** Parses a Dockerfile, with the features that ours uses: stages, and instructions of one or more lines. */

export interface Instruction {
  /** In capitals. */
  readonly keyword: string;
  /** Flags by name, such as `from` and `chown`. */
  readonly flags: ReadonlyMap<string, string>;
  /** The rest of the line, words separated by one space. */
  readonly text: string;
}

export interface Stage {
  /** The image, as written: `ARG`s are not filled in. */
  readonly from: string;
  /** After `AS`; empty if there is none. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Before the first stage. */
  readonly global: readonly Instruction[];
  readonly stages: readonly Stage[];
}

export interface Copy {
  /** Name of a stage; undefined for the build context. */
  readonly from: string | undefined;
  readonly source: string;
  /** Absolute. One that ends in `/` is a folder, which keeps the source's name. */
  readonly target: string;
}

/** Here-documents and parser directives are not supported. */
export function parseDockerfile(text: string): Dockerfile {
  const global: Instruction[] = [];
  const stages: { from: string; name: string; instructions: Instruction[] }[] = [];
  const joined = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ');
  for (const line of joined.split('\n').filter((each) => each.trim() !== '')) {
    const instruction = parseInstruction(line);
    if (instruction.keyword === 'FROM') {
      const [from = '', , name = ''] = instruction.text.split(' ');
      stages.push({ from, name, instructions: [] });
    } else {
      (stages.at(-1)?.instructions ?? global).push(instruction);
    }
  }
  return { global, stages };
}

function parseInstruction(line: string): Instruction {
  const [keyword = '', ...words] = line.trim().split(/\s+/);
  const count = words.findIndex((word) => !word.startsWith('--'));
  const flags = words.slice(0, count === -1 ? words.length : count).map((word) => {
    const [name = '', ...value] = word.slice(2).split('=');
    return [name, value.join('=')] as const;
  });
  return { keyword: keyword.toUpperCase(), flags: new Map(flags), text: words.slice(flags.length).join(' ') };
}

/** One entry for each source of each `COPY`. */
export function copiesOf({ instructions }: Stage): readonly Copy[] {
  return instructions
    .filter(({ keyword }) => keyword === 'COPY')
    .flatMap(({ flags, text }) => {
      const words = text.split(' ');
      const target = words.at(-1) ?? '';
      return words.slice(0, -1).map((source) => ({ from: flags.get('from'), source, target }));
    });
}

/** The last instruction of that name counts, as in Docker. @returns undefined if there is none. */
export function lastOf({ instructions }: Stage, keyword: string): string | undefined {
  return instructions.findLast((instruction) => instruction.keyword === keyword)?.text;
}

/**
 * The words of an `ENTRYPOINT` or `CMD`.
 *
 * @throws Error if it is not in the JSON form, since the other form needs a shell.
 */
export function wordsOf(stage: Stage, keyword: 'ENTRYPOINT' | 'CMD'): readonly string[] {
  const text = lastOf(stage, keyword) ?? '[]';
  if (!text.startsWith('[')) throw new Error(`Wanted ${keyword} as a JSON list, found ${text}`);
  return JSON.parse(text) as readonly string[];
}

/** The variables that `ENV` sets. Values with spaces or quotes are not supported. */
export function variablesOf({ instructions }: Stage): Readonly<Record<string, string>> {
  const pairs = instructions
    .filter(({ keyword }) => keyword === 'ENV')
    .flatMap(({ text }) => text.split(' '))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  return Object.fromEntries(pairs);
}
