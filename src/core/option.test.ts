import { describe, expect, it } from 'vitest';
import { OPTION_ROWS } from '../config/options.ts';
import { type OptionRow, readTexts, variableOf } from './option.ts';

function row(flag: string): OptionRow {
  const found = OPTION_ROWS.find((each) => each.flag === flag);
  if (found === undefined) throw new Error(`No option ${flag}`);
  return found;
}

describe('options', () => {
  it('`OPTION_ROWS` names each flag and each path once', () => {
    const names = OPTION_ROWS.flatMap(({ flag, alias }) => (alias === undefined ? [flag] : [flag, alias]));
    expect(new Set(names).size).toBe(names.length);
    const paths = OPTION_ROWS.map(({ path }) => path.join('.'));
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('`OPTION_ROWS` says what each default is', () => {
    expect(OPTION_ROWS.filter((each) => (each.default === undefined) === (each.defaultText === undefined))).toEqual([]);
  });

  // Kubernetes puts MAINTENANCE_BRIDGE_PORT=tcp://… into every Pod beside a Service called maintenance-bridge.
  it('`variableOf()` never meets a variable that Kubernetes sets for a Service', () => {
    const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_.*)?)$/;
    expect(OPTION_ROWS.map(variableOf).filter((name) => serviceLink.test(name))).toEqual([]);
  });

  it.each([
    ['dry-run', ['true'], true],
    ['dry-run', ['true', 'false'], false],
    ['tmm-max-parallel-evictions', ['5'], 5],
    ['tmm-drain-timeout', ['1h30m'], '1h30m'],
    ['log-level', ['debug'], 'debug'],
    ['tmm-preset', ['vmware, dell', 'vmware'], ['vmware', 'dell']],
    ['context', ['lab'], 'lab'],
  ])('`readTexts()` reads --%s %j', (flag, texts, value) => {
    expect(readTexts(row(flag), texts)).toEqual(value);
  });

  it.each([
    ['dry-run', 'maybe'],
    ['dry-run', 'toString'],
    ['dry-run', ''],
    ['tmm-max-parallel-evictions', '1.5'],
    ['tmm-max-parallel-evictions', '1e3'],
    ['tmm-drain-timeout', '90'],
    ['log-level', 'INFO'],
    ['tmm-preset', 'vmware,'],
    ['context', ''],
  ])('`readTexts()` refuses --%s "%s"', (flag, text) => {
    expect(readTexts(row(flag), [text])).toBeUndefined();
  });
});
