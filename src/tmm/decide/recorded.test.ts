/** Replays recordings of `why node/NAME -o observed`: each holds the observation, the settings, and the expected decision. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Observed } from '../model/observed.ts';
import type { TmmSettings } from '../settings.ts';
import { decide } from './decide.ts';

interface Recording {
  readonly settings: TmmSettings;
  readonly observed: Observed;
  readonly decided: {
    readonly because: string;
    /** `namespace/name` */
    readonly evictions: readonly string[];
    readonly causes: readonly string[];
  };
}

const FOLDER = join(import.meta.dirname, 'recorded');

describe('`decide()` on a recording', () => {
  it.each(readdirSync(FOLDER))('%s', (file) => {
    const { settings, observed, decided } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Recording;
    const { because, evictions, blockedBy } = decide(observed, { settings, memory: {} });
    expect({
      because,
      evictions: evictions.map(({ namespace, name }) => `${namespace}/${name}`),
      causes: blockedBy.map(({ cause }) => cause),
    }).toEqual(decided);
  });
});
