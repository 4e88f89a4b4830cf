/** The Pods that are in the way, for people. Pure. */
import type { Blocker } from '../../core/explanation.ts';

/** One line for all Pods that are in the way for the same reason. */
export function formatBlockers(blockedBy: readonly Blocker[]): readonly string[] {
  const pods = new Map<string, string[]>();
  for (const { pod, cause, detail, remedy } of blockedBy) {
    const why = `${detail} (${cause}). ${remedy}`;
    pods.set(why, [...(pods.get(why) ?? []), pod]);
  }
  return [...pods].map(([why, names]) => `${names.join(', ')}: ${why}`);
}
