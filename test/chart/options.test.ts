/** Each value of the chart has the same effect as its flag. */
import { expect, it } from 'vitest';
import { accepted, CI_VALUES, optionsIn, type Rendering, render } from '../../harness/chart.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';
import { chartValueOf } from '../../scripts/chart-parts.ts';
import { OPTION_ROWS } from '../../src/config/options.ts';
import type { RunOptions } from '../../src/config/schema.ts';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';
import type { OptionRow } from '../../src/core/option.ts';

/** As text for the flag, and as the chart's value if that is written differently. */
interface Sample {
  readonly text: string;
  readonly value?: unknown;
}

/** Any value except the default. */
/** For options whose text has a special form. */
const OF_FORM: Readonly<Record<string, string>> = {
  requireNodeLabel: 'example.com/key',
  days: 'tue',
  start: '22:00',
  end: '4am',
  timeZone: 'Europe/Berlin',
};

function sampleOf({ kind, values, default: standard, path }: OptionRow): Sample {
  switch (kind) {
    case 'boolean':
      return { text: String(standard !== true), value: standard !== true };
    case 'integer':
      return { text: '7', value: 7 };
    case 'share':
      return { text: '7%' };
    case 'duration':
      // Each duration of the Lease has to be less than the one before; these values are, with the defaults of the others.
      return { text: formatDuration((parseDuration(String(standard)) ?? 0) - 1000) };
    case 'limit':
      return { text: '7m' };
    case 'enum':
      return { text: values?.find((value) => value !== standard) ?? '' };
    case 'list': {
      const text = values?.at(-1) ?? OF_FORM[path.at(-1) ?? ''] ?? 'fleet-a';
      return { text, value: [text] };
    }
    case 'address':
      return { text: ':9999', value: 9999 };
    case 'string':
      return { text: OF_FORM[path.at(-1) ?? ''] ?? 'sample' };
  }
}

function nested(path: readonly string[], value: unknown): object {
  const [first = '', ...rest] = path;
  return { [first]: rest.length === 0 ? value : nested(rest, value) };
}

/** The program's options for one flag, without a file. */
function optionsOfFlag(flag: string, text: string): RunOptions {
  return accepted(new Map([[flag, [text]]]), '');
}

describeWithTools('values for options', [CHART_TOOLS], (get) => {
  const optionsWith = async (rendering: Rendering): Promise<RunOptions> =>
    optionsIn(await render(get().helm, rendering));

  it('leave the defaults of the program as they are', async () => {
    expect(await optionsWith({})).toEqual(accepted(new Map(), ''));
  });

  // Without a configuration file, our namespace is known from the Pod.
  const rows = OPTION_ROWS.filter(({ flag, inFile }) => inFile && flag !== 'leader-election-namespace').flatMap(
    (row) => {
      const value = chartValueOf(row);
      return value === undefined ? [] : [{ flag: row.flag, value, sample: sampleOf(row) }];
    },
  );

  it.each(rows)('`$value` does what `--$flag` does', async ({ flag, value, sample }) => {
    const values = { replicaCount: 1, ...nested(value.split('.'), sample.value ?? sample.text) };
    const options = await optionsWith({ values });
    expect(options).toEqual(optionsOfFlag(flag, sample.text));
    expect(options).not.toEqual(accepted(new Map(), ''));
  });

  it.each(CI_VALUES)('are accepted by the program with %s', async (name) => {
    expect(await optionsWith({ ci: [name] })).toHaveProperty('tmm.settings');
  });
});
