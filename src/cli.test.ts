import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './cli.ts';
import { OPTION_ROWS } from './option-rows.ts';

const flagsOf = (...args: string[]) => {
  const line = parseCommandLine(['run', ...args]);
  return line.is === 'run' ? Object.fromEntries(line.flags) : line;
};

describe('`parseCommandLine()`', () => {
  it('gives the texts of each flag in their order', () => {
    expect(flagsOf('--config', 'a.yaml', '--log-level=debug', '--log-level', 'warn')).toEqual({
      config: ['a.yaml'],
      'log-level': ['debug', 'warn'],
    });
  });

  it('takes the three Kubernetes forms of a boolean flag', () => {
    expect(flagsOf('--dry-run')).toEqual({ 'dry-run': ['true'] });
    expect(flagsOf('--dry-run=true')).toEqual({ 'dry-run': ['true'] });
    expect(flagsOf('--dry-run=false', '--leader-elect')).toEqual({ 'dry-run': ['false'], 'leader-elect': ['true'] });
  });

  it('never takes the word after a boolean flag for its value', () => {
    expect(flagsOf('--dry-run', 'false')).toMatchObject({ is: 'exit', code: 2 });
    expect(flagsOf('--dry-run', '--log-level=warn')).toEqual({ 'dry-run': ['true'], 'log-level': ['warn'] });
  });

  it('takes --kubecontext for --context, which wins where both are given', () => {
    expect(flagsOf('--kubecontext', 'lab')).toEqual({ context: ['lab'] });
    expect(flagsOf('--context', 'a', '--kubecontext', 'b')).toEqual({ context: ['b', 'a'] });
  });

  it('knows every row of `OPTION_ROWS`', () => {
    const args = OPTION_ROWS.map(({ flag }) => `--${flag}=x`);
    expect(Object.keys(flagsOf(...args))).toEqual(OPTION_ROWS.map(({ flag }) => flag));
  });

  it.each([
    [['run', '--enable-tmn'], /unknown option '--enable-tmn'\n\(Did you mean --enable-tmm\?\)/],
    [['run', '--enable-metal4-maintenance'], /unknown option/],
    [['run', 'node-1'], /too many arguments/],
    [['run', '--config'], /argument missing/],
    [['rnu'], /unknown command 'rnu'\n\(Did you mean run\?\)/],
    [['why'], /missing required argument 'object'/],
    [['why', 'pod/x'], /Wanted node\/NAME, machine\/NAME or baremetalhost\/NAME/],
    [['why', 'machine/'], /Wanted node\/NAME, machine\/NAME or baremetalhost\/NAME/],
    [['why', 'machine/a/b'], /Wanted node\/NAME, machine\/NAME or baremetalhost\/NAME/],
    [['status', '-o', 'yaml'], /Allowed choices are text, json/],
    [['version', '-o', 'xml'], /Allowed choices are text, json/],
    [[], /Usage: maintenance-bridge/],
  ])('ends with 2 and says why on %j', (args, message) => {
    const line = parseCommandLine(args);
    expect(line).toMatchObject({ is: 'exit', code: 2, out: '' });
    expect(line.is === 'exit' && line.err).toMatch(message);
  });

  it.each([[['--help']], [['-h']], [['help']], [['run', '--help']], [['version', '--help']]])(
    'ends with 0 and prints help on %j',
    (args) => {
      const line = parseCommandLine(args);
      expect(line).toMatchObject({ is: 'exit', code: 0, err: '' });
      expect(line.is === 'exit' && line.out).toMatch(/^Usage: maintenance-bridge/);
    },
  );

  it('shows each flag of `run` with its default in the help', () => {
    const line = parseCommandLine(['run', '--help']);
    for (const { flag } of OPTION_ROWS)
      expect(line.is === 'exit' && line.out).toMatch(new RegExp(`--${flag}\\b.*\\(default: `));
  });

  it('reads the commands that look and end', () => {
    expect(parseCommandLine(['why', 'bmh/h'])).toMatchObject({ is: 'why', kind: 'BareMetalHost', name: 'h' });
    expect(parseCommandLine(['status'])).toEqual({ is: 'status', flags: { namespaces: [], output: 'text' } });
    expect(parseCommandLine(['why', 'Machine/m', '-n', 'metal', '-o', 'json', '--kubecontext=lab'])).toEqual({
      is: 'why',
      kind: 'Machine',
      name: 'm',
      flags: { context: 'lab', namespaces: ['metal'], output: 'json' },
    });
    expect(parseCommandLine(['why', 'no/worker-1'])).toMatchObject({ kind: 'Node', name: 'worker-1' });
  });

  it('reads the version command', () => {
    expect(parseCommandLine(['version'])).toEqual({ is: 'version', format: 'text' });
    expect(parseCommandLine(['version', '-o', 'json'])).toEqual({ is: 'version', format: 'json' });
  });
});
