/** Notices when no controller acts on the Nodes that a command waits for. */
import { annotationOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import { REPORT_ANNOTATION } from '../../tmm/names.ts';
import { controllerTrouble, type LeaseSeen } from './controller-signs.ts';
import type { NodeFacts } from './node-facts.ts';

/** The memory of one Node: its last report, and since when a request on it has been unanswered. */
interface Memory {
  readonly report: string | undefined;
  readonly unanswered?: { readonly what: 'taint' | 'removal'; readonly sinceMs: number };
}

export class ControllerWatch {
  readonly #nodes = new Map<string, Memory>();
  readonly #tell: (text: string, isOver: boolean) => void;
  #reactedAtMs: number;
  #hasReacted = false;
  #told: string | undefined;

  /** @param tell called once for each problem, and once when it is over. */
  constructor(nowMs: number, tell: (text: string, isOver: boolean) => void) {
    this.#reactedAtMs = nowMs;
    this.#tell = tell;
  }

  /** Call this for each Node whenever it has changed. */
  observe(node: Node, facts: NodeFacts, nowMs: number): void {
    const { name } = node.metadata;
    const report = annotationOf(node, REPORT_ANNOTATION);
    const before = this.#nodes.get(name);
    if (before !== undefined && before.report !== report) {
      this.#reactedAtMs = nowMs;
      this.#hasReacted = true;
    }
    const isUnanswered = facts.asking !== undefined && facts.report === undefined;
    const what = isUnanswered ? 'taint' : facts.isExitUnnoticed ? 'removal' : undefined;
    const sinceMs = before?.unanswered?.what === what ? (before?.unanswered?.sinceMs ?? nowMs) : nowMs;
    this.#nodes.set(name, { report, ...(what !== undefined && { unanswered: { what, sinceMs } }) });
  }

  /** Forgets the Node: the command does not wait for it any more. */
  forget(name: string): void {
    this.#nodes.delete(name);
  }

  /** Call this about once a second during a wait. */
  check(lease: LeaseSeen, nowMs: number): void {
    const [oldest] = [...this.#nodes]
      .flatMap(([node, { unanswered }]) => (unanswered === undefined ? [] : [{ node, ...unanswered }]))
      .sort((a, b) => a.sinceMs - b.sinceMs);
    const trouble = controllerTrouble({
      lease,
      sinceReactionMs: nowMs - this.#reactedAtMs,
      hasReacted: this.#hasReacted,
      ...(oldest !== undefined && {
        unanswered: { node: oldest.node, what: oldest.what, sinceMs: nowMs - oldest.sinceMs },
      }),
    });
    // Without the number of seconds, which grows.
    const kind = trouble?.replace(/\d+ seconds/, '');
    if (kind === this.#told) return;
    this.#told = kind;
    if (trouble === undefined) this.#tell('A controller is at work again', true);
    else this.#tell(trouble, false);
  }
}
