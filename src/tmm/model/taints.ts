/** Which maintenance the taints of a Node ask for. */
import { MACHINE_TAINT } from '../../core/machine-keys.ts';
import { annotationOf, isSameTaint } from '../../core/meta.ts';
import type { Node, Taint } from '../../core/objects.ts';
import { type MaintenanceTaint, REPORT_ANNOTATION } from '../names.ts';
import { parseReport } from './report.ts';

/** A taint by which a Node is asked to go. */
export interface AskingTaint extends MaintenanceTaint {
  /** The settings do not name the taint any more: it keeps a maintenance going, but evicts nothing. */
  readonly isHeld?: true;
}

/** Finds the request for the maintenance of a Node, and the taint that fences it; undefined if there is none. */
export type RequestSource = (node: Node) => AskingTaint | undefined;

/** @returns the first of the configured taints that the Node carries. */
export function askingTaint(node: Node, taints: readonly MaintenanceTaint[]): MaintenanceTaint | undefined {
  return taints.find((wanted) => node.spec.taints?.some((found) => isSameTaint(wanted, found)));
}

/** Whether machine drain has set the taint: then the Node's Machine asks for the maintenance, and no user removes the taint. */
export function isOfMachine(taint: Taint): boolean {
  return isSameTaint(taint, MACHINE_TAINT);
}

/** @returns the taint that asks for the maintenance of the Node: a user's, else that of machine drain. */
export function askingTaintOrFence(node: Node, taints: readonly MaintenanceTaint[]): MaintenanceTaint | undefined {
  return askingTaint(node, [...taints, MACHINE_TAINT]);
}

/**
 * The taint that asked for the maintenance of a Node, while it is still there. Somebody may be working on the machine, so the maintenance
 * does not end because the settings name other taints now.
 */
export function heldTaint(node: Node): AskingTaint | undefined {
  const seen = parseReport(annotationOf(node, REPORT_ANNOTATION));
  const report = seen.is === 'valid' ? seen.report : undefined;
  if (report?.phase !== 'InMaintenance' || report.taint === undefined) return undefined;
  const { taint } = report;
  return node.spec.taints?.some((found) => isSameTaint(taint, found)) ? { ...taint, isHeld: true } : undefined;
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
