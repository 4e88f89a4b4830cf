/** The JSONPath of printer columns: `.spec.x`, `['key.with.dots']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`. */
import { isList, isObject } from '../json.ts';

const STEP = /\.([\w/-]+)|\['([^']*)'\]|\[(\d+)\]|\[\*\]|\[\?\(@\.([\w.]+)\s*==\s*["']([^"']*)["']\)\]/y;

/** @returns the first match; undefined if there is none or the path cannot be parsed. */
export function evaluatePath(object: unknown, path: string): unknown {
  const expression = new RegExp(STEP);
  const text = path.replace(/^\{|\}$/g, '').replaceAll('\\.', '.');
  let found: readonly unknown[] = [object];
  while (expression.lastIndex < text.length) {
    const step = expression.exec(text);
    if (step === null) return undefined;
    const [whole, field, quoted, index, key, value] = step;
    const name = field ?? quoted;
    found = found.flatMap((one) => {
      if (name !== undefined) return isObject(one) && Object.hasOwn(one, name) ? [one[name]] : [];
      if (!isList(one)) return [];
      if (index !== undefined) return one[Number(index)] ?? [];
      return whole === '[*]' ? one : one.filter((item) => evaluatePath(item, `.${key}`) === value);
    });
  }
  return found[0];
}
