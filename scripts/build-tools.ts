/** Builds the third-party programs that tests run: `tools`, `controlplane`, or both. Exit code 1 if one cannot be built. */
import { buildControlPlane, buildTools } from '../harness/build-first.ts';

const asked = process.argv.slice(2);
if (asked.length === 0 || asked.includes('tools')) await buildTools();
if (asked.length === 0 || asked.includes('controlplane')) await buildControlPlane();
