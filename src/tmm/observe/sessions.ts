/** The sessions of a cluster's Nodes, from the reports on them. */
import type { Node } from '../../core/objects.ts';
import { type Report, reportOf } from '../model/report.ts';
import { isBefore } from '../model/slots.ts';

export interface Session {
  readonly node: Node;
  readonly report: Report;
}

const knownSessions = new WeakMap<readonly Node[], readonly Session[]>();

/**
 * A cache returns the same array until one of its Nodes changes, so this result is shared: hundreds of waiting Nodes ask for the same
 * sessions.
 */
export function sessionsAmong(nodes: readonly Node[]): readonly Session[] {
  const known = knownSessions.get(nodes);
  if (known !== undefined) return known;
  const asked = ({ node, report }: Session) => ({ nodeName: node.metadata.name, started: report.started });
  const sessions = nodes
    .flatMap((node): Session[] => {
      const seen = reportOf(node);
      return seen.is === 'valid' ? [{ node, report: seen.report }] : [];
    })
    .sort((a, b) => (isBefore(asked(a), asked(b)) ? -1 : 1));
  knownSessions.set(nodes, sessions);
  return sessions;
}
