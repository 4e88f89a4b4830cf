import { expect, it } from 'vitest';
import type { Explanation } from '../../core/explanation.ts';
import { renderResults } from './outcomes.ts';

const STUCK: Explanation = {
  kind: 'Node',
  name: 'worker-1',
  state: 'Rejected',
  outlook: 'Stuck',
  isUnderWay: true,
  summary: 'A message',
  details: [],
};

it.each([
  ['AlreadyAsked', true],
  ['NotAsked', true],
  ['Released', false],
] as const)('`renderResults()` explains a stuck Node after %s: %s', (outcome, isExplained) => {
  const text = renderResults([{ node: 'worker-1', outcome, message: 'done', object: STUCK }], 'text', 0);
  expect(text.includes('  Node worker-1: Rejected\n')).toBe(isExplained);
});
