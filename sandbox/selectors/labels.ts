/** `labelSelector` of a request: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, `a>1`, `a<1`, joined by commas. */

import { labelValueFaults, qualifiedNameFaults } from '../admission/names.ts';
import { badRequest } from '../errors.ts';

export type Labels = Readonly<Record<string, string>>;
/** Whether labels satisfy the selector. */
export type LabelFilter = (labels: Labels) => boolean;

const TOKEN = /\s*(,|\(|\)|==|!=|=|!|>|<|[^\s,()=!<>]+)/y;

/** @throws ApiError 400 if it cannot be parsed */
export function parseLabelSelector(text: string): LabelFilter {
  const tokens = tokensOf(text);
  const filters: LabelFilter[] = [];
  while (tokens.length > 0) {
    filters.push(requirement(tokens));
    const next = tokens.shift();
    if (next === undefined) break;
    if (next !== ',') throw unreadable(`found '${next}', expected: ',' or 'end of string'`);
    if (tokens.length === 0) throw unreadable("found '', expected: identifier after ','");
  }
  return (labels) => filters.every((filter) => filter(labels));
}

const unreadable = (why: string) => badRequest(`unable to parse requirement: ${why}`);

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const expression = new RegExp(TOKEN);
  const trimmed = text.trim();
  while (expression.lastIndex < trimmed.length) {
    const found = expression.exec(trimmed);
    if (found === null) throw unreadable(`found '${trimmed.slice(expression.lastIndex)}'`);
    tokens.push(found[1] ?? '');
  }
  return tokens;
}

function requirement(tokens: string[]): LabelFilter {
  if (tokens[0] === '!') {
    tokens.shift();
    const key = keyFrom(tokens);
    return (labels) => !Object.hasOwn(labels, key);
  }
  const key = keyFrom(tokens);
  const has = (labels: Labels): boolean => Object.hasOwn(labels, key);
  const operator = tokens[0];
  switch (operator) {
    case undefined:
    case ',':
      return has;
    case '=':
    case '==':
    case '!=': {
      tokens.shift();
      const value = valueFrom(tokens);
      return operator === '!='
        ? (labels) => labels[key] !== value || !has(labels)
        : (labels) => has(labels) && labels[key] === value;
    }
    case 'in':
    case 'notin': {
      tokens.shift();
      const values = setFrom(tokens);
      return operator === 'in'
        ? (labels) => has(labels) && values.includes(labels[key] ?? '')
        : (labels) => !has(labels) || !values.includes(labels[key] ?? '');
    }
    case '>':
    case '<': {
      tokens.shift();
      const bound = Number(valueFrom(tokens));
      if (!Number.isInteger(bound)) throw unreadable("for 'Gt', 'Lt' operators, the value must be an integer");
      return (labels) => {
        const found = has(labels) ? Number(labels[key]) : Number.NaN;
        return operator === '>' ? found > bound : found < bound;
      };
    }
    default:
      throw unreadable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function keyFrom(tokens: string[]): string {
  const key = tokens.shift() ?? '';
  if (/^[,()=!<>]+$/.test(key) || key === '')
    throw unreadable(`found '${key}', expected: !, identifier, or 'end of string'`);
  const [fault] = qualifiedNameFaults(key);
  if (fault !== undefined) throw unreadable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${fault}`);
  return key;
}

/** A value may be empty: `a=` and `a=,b`. */
function valueFrom(tokens: string[]): string {
  const [next] = tokens;
  if (next === undefined || next === ',') return '';
  if (/^[()=!<>]+$/.test(next)) throw unreadable(`found '${next}', expected: identifier`);
  tokens.shift();
  return checked(next);
}

function setFrom(tokens: string[]): string[] {
  if (tokens.shift() !== '(') throw unreadable("found '', expected: '('");
  const values: string[] = [];
  for (let next = tokens.shift(); next !== ')'; next = tokens.shift()) {
    if (next === undefined) throw unreadable("found '', expected: ',' or ')'");
    if (next !== ',') values.push(checked(next));
  }
  return values.length === 0 ? [''] : values;
}

function checked(value: string): string {
  const [fault] = labelValueFaults(value);
  if (fault !== undefined) throw unreadable(`values[0][]: Invalid value: ${JSON.stringify(value)}: ${fault}`);
  return value;
}
