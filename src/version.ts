/** The version of this build. */
import manifest from '../package.json' with { type: 'json' };

/** Replaced by the build (`scripts/build.ts`); not defined when running from source. */
declare const MAINTENANCE_BRIDGE_COMMIT: string | undefined;

export const VERSION: string = manifest.version;

const COMMIT: string | undefined =
  typeof MAINTENANCE_BRIDGE_COMMIT === 'undefined' ? undefined : MAINTENANCE_BRIDGE_COMMIT;

/** The output of `version`, without a line end. */
export function describeVersion(format: 'text' | 'json', node: string): string {
  if (format === 'json') return JSON.stringify({ version: VERSION, commit: COMMIT, node });
  return `maintenance-bridge ${VERSION} (${COMMIT === undefined ? '' : `commit ${COMMIT}, `}node ${node})`;
}

/**
 * The message if this Node.js is older than `engines` of package.json requires: otherwise the program would fail at some later point with
 * an unhelpful message.
 *
 * @param found as in `process.version`.
 */
export function refuseNode(found: string, executable: string): string | undefined {
  const wanted = manifest.engines.node.replace('>=', '');
  const [wantedMajor = 0, wantedMinor = 0] = numbersOf(wanted);
  const [major = 0, minor = 0] = numbersOf(found.replace('v', ''));
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return undefined;
  return `maintenance-bridge needs Node.js ${wanted} or later; ${executable} is ${found}`;
}

const numbersOf = (version: string): readonly number[] => version.split('.').map(Number);
