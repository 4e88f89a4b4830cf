import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { SHOWN_KINDS } from '../../app/features.ts';
import { makeProgram } from '../commands.ts';
import { complete, formatCompletion, type Names } from './complete.ts';
import { completionScript, SHELLS } from './completion-scripts.ts';

const NAMES: Names = {
  namespaces: async () => ['default', 'metal'],
  objects: async (kind, namespace) =>
    OBJECTS[kind]?.filter((key) => namespace === undefined || key.startsWith(`${namespace}/`)) ?? [],
};
const OBJECTS: Readonly<Record<string, readonly string[]>> = {
  Node: ['worker-1', 'worker-2', 'other'],
  Machine: ['metal/worker-1'],
  Pod: ['default/web-0', 'default/web-1'],
};

const SHOWN = SHOWN_KINDS.map((kind) => `${kind.toLowerCase()}/`);

/** Completes the line up to the cursor; also returns the flags that select the cluster. */
async function at(line: string) {
  const asked: Record<string, string>[] = [];
  const program = makeProgram('maintenance-bridge', () => {});
  const found = await complete(program, line.split(' ').slice(1), (flags) => {
    asked.push(Object.fromEntries(flags));
    return NAMES;
  });
  const helps = found.candidates.map(({ help }) => help);
  return { texts: found.candidates.map(({ text }) => text), helps, directive: found.directive, asked };
}

describe('`complete()`', () => {
  it.each([
    ['mb ', ['run', 'status', 'why', 'plan', 'enter', 'exit', 'wait', 'roll', 'dashboard', 'completion', 'version'], 4],
    ['mb st', ['status'], 4],
    ['mb help w', ['why', 'wait'], 4],
    ['mb nonsense x', [], 4],
    ['mb status --al', ['--all', '--all-namespaces'], 4],
    ['mb status -o ', ['text', 'wide', 'json', 'yaml'], 4],
    ['mb status --output=j', ['--output=json'], 4],
    ['mb status --kubeconfig ', [], 0],
    ['mb status --config=', [], 0],
    ['mb status -n m', ['metal'], 4],
    ['mb status ', SHOWN, 6],
    ['mb status node/worker-1 node/w', ['node/worker-2'], 4],
    ['mb enter w', ['worker-1', 'worker-2'], 4],
    ['mb exit worker-1 --wait w', ['worker-2'], 4],
    ['mb enter --wa', ['--wait'], 4],
    ['mb roll w', ['worker-1', 'worker-2'], 4],
    ['mb roll --on-rejection ', ['stop', 'skip', 'retry'], 4],
    ['mb roll --output-dir ', [], 0],
    ['mb wait worker-1 --for ', ['drained', 'ended', 'rejected'], 4],
    ['mb run --tmm-quorum ', ['majority', 'off'], 4],
    ['mb run --dry-run=', ['--dry-run=true', '--dry-run=false'], 4],
    ['mb run --dry-run --tmm-qu', ['--tmm-quorum'], 4],
    ['mb plan w', ['worker-1', 'worker-2'], 4],
    ['mb plan worker-1 -o json w', ['worker-2'], 4],
    ['mb plan -- --', [], 4],
    ['mb why ', [...SHOWN, 'pod/'], 6],
    ['mb why node/w', ['node/worker-1', 'node/worker-2'], 4],
    ['mb why machine/', ['machine/metal/worker-1'], 4],
    ['mb why pod/d', ['pod/default/'], 6],
    ['mb why pod/default/', ['pod/default/web-0', 'pod/default/web-1'], 4],
    ['mb why node/other ', [], 4],
    ['mb why node w', ['worker-1', 'worker-2'], 4],
    ['mb why machine ', ['metal/worker-1'], 4],
    ['mb why pod default/', ['default/web-0', 'default/web-1'], 4],
    ['mb why po', ['pod/'], 6],
    ['mb -n ', ['default', 'metal'], 4],
    ['mb -n metal st', ['status'], 4],
    [
      'mb --context lab -A ',
      ['run', 'status', 'why', 'plan', 'enter', 'exit', 'wait', 'roll', 'dashboard', 'completion', 'version'],
      4,
    ],
    ['mb -n metal status --al', ['--all', '--all-namespaces'], 4],
    ['mb completion b', ['bash'], 4],
  ])('offers after "%s"', async (line, texts, directive) => {
    const found = await at(line);
    expect({ texts: found.texts, directive: found.directive }).toEqual({ texts, directive });
  });

  it.each([
    ['mb dashb', 'Serve a live, read-only page about all maintenance on 127.0.0.1, with your own rights, until Ctrl-C'],
    ['mb vers', 'Print the version, the commit it was built from and the version of Node.js'],
    ['mb ent', 'Request maintenance of Nodes'],
    ['mb wait --sel', 'instead of names: all Nodes that match this label selector, as in kubectl'],
    ['mb roll --node', 'time limit per Node, without the time in the queue'],
  ])('describes what it offers after "%s": %s', async (line, help) => {
    expect((await at(line)).helps).toEqual([help]);
  });

  it('never offers what the help leaves out', async () => {
    expect((await at('mb status --kube')).texts).toEqual(['--kubeconfig']);
  });

  it('asks the cluster that the flags on the line mean', async () => {
    const { asked } = await at('mb plan --kubeconfig=a.yaml --context lab w');
    expect(asked).toEqual([{ '--kubeconfig': 'a.yaml', '--context': 'lab' }]);
  });

  it('prints the directive last, as cobra does', () => {
    const candidates = [{ text: 'a', help: 'first' }, { text: 'b' }];
    expect(formatCompletion({ candidates, directive: 6 })).toBe('a\tfirst\nb\n:6\n');
  });
});

describe('`completionScript()`', () => {
  const directory = mkdtempSync(join(tmpdir(), 'maintenance-bridge-completion-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** A program that prints its arguments, and offers the candidates of a test. */
  writeFileSync(
    join(directory, 'maintenance-bridge'),
    '#!/bin/sh\nprintf "[%s]" "$@" >"$ASKED"\nprintf "%b" "$OFFER"\n',
    { mode: 0o755 },
  );

  /** The result of bash for a line up to the cursor, with its own word splitting. */
  async function bash(line: string, offer: string): Promise<{ readonly asked: string; readonly reply: string }> {
    const asked = join(directory, 'asked');
    // Readline calls the function with these set; without a terminal, the test sets them.
    const script = `${completionScript('bash')}
compopt() { options+=" $*"; }
COMP_LINE=$1 COMP_POINT=\${#1}
_maintenance_bridge
printf '%s|' "\${COMPREPLY[@]}"; printf '%s\\n' "$options"
cat "$ASKED"`;
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-euc', script, 'bash', line], {
      env: { PATH: `${directory}:${process.env.PATH}`, OFFER: offer, ASKED: asked, options: '' },
    });
    const [reply = '', words = ''] = stdout.split('\n');
    return { asked: words, reply };
  }

  describe.skipIf(!existsSync('/bin/bash'))('for bash', () => {
    it.each([
      ['maintenance-bridge st', 'status\\tShow\\n:4\\n', '[__complete][st]', 'status|'],
      ['maintenance-bridge why ', 'node/\\npod/\\n:6\\n', '[__complete][why][]', 'node/|pod/| -o nospace'],
      // Readline treats the text after the equals sign as a separate word.
      ['maintenance-bridge status --output=j', '--output=json\\n:4\\n', '[__complete][status][--output=j]', 'json|'],
      ['maintenance-bridge status --config ', ':0\\n', '[__complete][status][--config][]', '| -o default'],
      ['maintenance-bridge plan x', ':4\\n', '[__complete][plan][x]', '|'],
      ['maintenance-bridge plan x', '', '[__complete][plan][x]', '|'],
    ])('completes "%s"', async (line, offer, asked, reply) => {
      expect(await bash(line, offer)).toEqual({ asked, reply });
    });

    it('is a script that bash takes for its own completion', async () => {
      const { stdout } = await promisify(execFile)('bash', [
        '--norc',
        '-euc',
        `${completionScript('bash')}\ncomplete -p maintenance-bridge`,
      ]);
      expect(stdout.trim()).toBe('complete -F _maintenance_bridge maintenance-bridge');
    });
  });

  it.each(SHELLS)('asks the program, so that the script for %s outlives a version', (shell) => {
    const script = completionScript(shell);
    expect(script).toContain('__complete');
    expect(script).not.toContain('status');
  });
});
