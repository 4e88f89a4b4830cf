/** Pods as their controllers make them from a template. */
import type { Draft, Stored } from '../../api.ts';
import type { PodSpec, PodTemplate } from './kinds.ts';
import { controllerReference } from './pods.ts';

/** The letters of Kubernetes' generated suffixes: no vowels, so that they form no words. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export interface PodParts {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Partial<PodSpec>;
}

/** A Pod from the owner's template, with the given additions. Without a name it is called `<owner>-` and five letters. */
export function podFrom(owner: Stored, template: PodTemplate, parts: PodParts = {}): Draft {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      ...(parts.name !== undefined && { name: parts.name }),
      labels: { ...labels, ...parts.labels },
      ...(annotations !== undefined && { annotations }),
      ...(finalizers !== undefined && { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...template.spec, ...parts.spec },
  };
}

/** A short hash of a template, equal for equal templates whatever the order of their fields. */
export function hashOf(value: unknown): string {
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(JSON.stringify(ordered(value)))) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return [...String(hash >>> 0)].map((digit) => LETTERS.charAt(digit.charCodeAt(0) % LETTERS.length)).join('');
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined && each !== null);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, ordered(each)]));
}
