import { describe, expect, it } from 'vitest';
import { refuseNode } from './version.ts';

describe('`refuseNode()`', () => {
  it.each(['v22.19.0', 'v22.20.1', 'v24.0.0', 'v100.1.0'])('takes %s', (found) => {
    expect(refuseNode(found, '/usr/bin/node')).toBeUndefined();
  });

  it.each(['v18.20.8', 'v20.20.2', 'v22.18.0'])('refuses %s, and says what is wanted and what was found', (found) => {
    expect(refuseNode(found, '/usr/bin/node')).toBe(
      `maintenance-bridge needs Node.js 22.19 or later; /usr/bin/node is ${found}`,
    );
  });
});
