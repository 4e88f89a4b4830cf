/** What kwok does to Pods, as slowly as it has to be. */
import { parseAllDocuments } from 'yaml';

/**
 * How long a Pod takes to end, in milliseconds; a real kubelet takes no less. Without it a Pod may be back under its name before
 * the disruption controller has looked, which then counts it as missing for two minutes (`status.disruptedPods` holds names).
 */
const POD_END_MS = 200;

/**
 * @param stages kwok's own, as YAML.
 * @param jobsRun whether Pods of Jobs run until they are ended; otherwise they succeed at once.
 * @throws Error if none of them ends Pods
 */
export function podStages(stages: string, jobsRun: boolean): string {
  const isKept = (name: unknown): boolean => !jobsRun || name !== 'pod-complete';
  const documents = [...parseAllDocuments(stages)].filter((document) => isKept(document.getIn(['metadata', 'name'])));
  const end = documents.find((document) => document.getIn(['metadata', 'name']) === 'pod-delete');
  if (end === undefined) throw new Error('kwok has no stage pod-delete');
  end.setIn(['spec', 'delay', 'durationMilliseconds'], POD_END_MS);
  return documents.map((document) => document.toString()).join('---\n');
}
