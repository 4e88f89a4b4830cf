/** The two questions that a Node is asked, and how its answers are judged. */
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
  STALE_DELETION_APPROVAL,
  STALE_MAINTENANCE_APPROVAL,
} from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting, labelOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import { maintenanceOf } from './machines.ts';

export const QUESTIONS = ['deletion', 'maintenance'] as const;
export type Question = (typeof QUESTIONS)[number];

interface Keys {
  /** Node label that asks the question. */
  readonly told: string;
  /** Node label that approves. */
  readonly approval: string;
  /** Machine annotation that records a stale approval. */
  readonly stale: string;
}

export const KEYS: Readonly<Record<Question, Keys>> = {
  deletion: { told: MACHINE_DELETED_LABEL, approval: APPROVE_DELETION_LABEL, stale: STALE_DELETION_APPROVAL },
  maintenance: {
    told: MACHINE_MAINTENANCE_LABEL,
    approval: APPROVE_MAINTENANCE_LABEL,
    stale: STALE_MAINTENANCE_APPROVAL,
  },
};

/** Whether the Machine asks the question of the Node now, and waits for the answer. */
export function isAsked(question: Question, machine: Machine): boolean {
  return question === 'deletion' ? isDeleting(machine) : maintenanceOf(machine) === 'requested';
}

export function isTold(question: Question, node: KubeObject): boolean {
  return labelOf(node, KEYS[question].told) === 'true';
}

export function isMarkedStale(question: Question, machine: Machine): boolean {
  return annotationOf(machine, KEYS[question].stale) !== undefined;
}

/**
 * `stale`: the approval existed before the question, perhaps since the last time, and nobody has checked the Node for this one. The Machine
 * records it until the approval has been removed once.
 */
export function answerOf(question: Question, machine: Machine, node: KubeObject): 'none' | 'given' | 'stale' {
  if (labelOf(node, KEYS[question].approval) !== 'true') return 'none';
  return isTold(question, node) && !isMarkedStale(question, machine) ? 'given' : 'stale';
}
