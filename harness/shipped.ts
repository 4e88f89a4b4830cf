/** The file that is shipped, started as the image and the chart start it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { bundle } from '../scripts/build.ts';
import { variablesOf, wordsOf } from '../scripts/dockerfile.ts';
import { imageStage } from '../scripts/image-rootfs.ts';
import { temporaryFolder } from './doubles/test-kubeconfig.ts';
import type { BridgeOptions } from './program.ts';

const CHART_VALUES = join(import.meta.dirname, '../charts/maintenance-bridge/values.yaml');

/** The chart's limit of memory. */
export function memoryLimitMiB(): number {
  const { resources } = parse(readFileSync(CHART_VALUES, 'utf8')) as { resources: { limits: { memory: string } } };
  const [, mib] = /^(\d+)Mi$/.exec(resources.limits.memory) ?? [];
  if (mib === undefined)
    throw new Error(`The chart's limit of memory is ${resources.limits.memory}, wanted so many Mi`);
  return Number(mib);
}

/**
 * Builds it into a temporary folder. No container limits the memory here, so a share of the limit is written as it would come out.
 *
 * @param limitMiB of the container. @default the chart's
 */
export async function shippedProgram(
  limitMiB = memoryLimitMiB(),
): Promise<Required<Pick<BridgeOptions, 'program' | 'env'>>> {
  const outfile = join(temporaryFolder(), 'maintenance-bridge.cjs');
  await bundle({ outfile });
  const image = imageStage();
  const share = /^--max-old-space-size-percentage=(\d+)$/;
  const flags = wordsOf(image, 'ENTRYPOINT')
    .filter((word) => word.startsWith('--'))
    .map((word) => word.replace(share, (_, percent) => `--max-old-space-size=${(limitMiB * Number(percent)) / 100}`));
  return { program: [...flags, outfile], env: variablesOf(image) };
}
