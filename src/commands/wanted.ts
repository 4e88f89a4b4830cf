/** Which objects `status` shows. Pure. */
import type { Explanation } from '../core/explanation.ts';

/** An object that the user named. */
export interface Wanted {
  readonly kind: Explanation['kind'];
  readonly name: string;
  /** Absent: any of the namespaces that are read. */
  readonly namespace?: string;
}

/** The named objects, whatever their state; without names those under way, or all. */
export function isWanted(
  explanation: Explanation,
  { all, objects }: { readonly all: boolean; readonly objects: readonly Wanted[] },
): boolean {
  if (objects.length === 0) return all || explanation.isUnderWay;
  return objects.some((wanted) => isMeant(explanation, wanted));
}

/** @returns a line for each named object that does not exist. */
export function missingFrom(all: readonly Explanation[], objects: readonly Wanted[]): readonly string[] {
  return objects
    .filter((wanted) => !all.some((each) => isMeant(each, wanted)))
    .map(
      ({ kind, name, namespace }) => `There is no ${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
    );
}

function isMeant(explanation: Explanation, { kind, name, namespace }: Wanted): boolean {
  if (explanation.kind !== kind) return false;
  if (namespace !== undefined) return explanation.name === `${namespace}/${name}`;
  return explanation.name === name || explanation.name.endsWith(`/${name}`);
}
