/** What the taints of a Node ask for. */
import { isSameTaint } from '../core/meta.ts';
import type { Node, Taint } from '../core/objects.ts';
import type { MaintenanceTaint } from './names.ts';

/** @returns the first of the configured taints that the Node carries. */
export function askingTaint(node: Node, taints: readonly MaintenanceTaint[]): MaintenanceTaint | undefined {
  return taints.find((wanted) => node.spec.taints?.some((found) => isSameTaint(wanted, found)));
}

/** A taint that asks for nothing, and the one that was probably meant. */
export interface NearMiss {
  readonly found: Taint;
  readonly meant: MaintenanceTaint;
}

/** Taints with the key of a configured one that differ in value or effect. */
export function nearMisses(node: Node, taints: readonly MaintenanceTaint[]): readonly NearMiss[] {
  return (node.spec.taints ?? []).flatMap((found) => {
    const meant = taints.find(({ key }) => key === found.key);
    const isRequest = taints.some((wanted) => isSameTaint(wanted, found));
    return meant === undefined || isRequest ? [] : [{ found, meant }];
  });
}
