/** Which build this is. */
import manifest from '../package.json' with { type: 'json' };

/** Replaced by the build (`scripts/build.ts`); not defined when running from source. */
declare const MAINTENANCE_BRIDGE_COMMIT: string | undefined;

export const VERSION: string = manifest.version;

const COMMIT: string | undefined =
  typeof MAINTENANCE_BRIDGE_COMMIT === 'undefined' ? undefined : MAINTENANCE_BRIDGE_COMMIT;

/** What `version` prints, without a line end. */
export function describeVersion(format: 'text' | 'json', node: string): string {
  if (format === 'json') return JSON.stringify({ version: VERSION, commit: COMMIT, node });
  return `maintenance-bridge ${VERSION} (${COMMIT === undefined ? '' : `commit ${COMMIT}, `}node ${node})`;
}
