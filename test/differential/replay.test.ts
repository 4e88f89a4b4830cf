import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Recording } from '../../harness/differential/cluster-case.ts';
import { compare } from '../../harness/differential/compare.ts';
import { REGRESSIONS } from '../../harness/differential/run.ts';

describe('recorded answers of the real scheduler', () => {
  it.each(readdirSync(REGRESSIONS).filter((file) => file.endsWith('.json')))(
    'agree with the simulation: %s',
    (file) => {
      const recording = JSON.parse(readFileSync(join(REGRESSIONS, file), 'utf8')) as Recording;
      expect(compare(recording).disagreements).toEqual([]);
    },
  );
});
