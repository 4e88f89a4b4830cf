/** The state of the page: the watches' content, sent to every open page. */
import { compare, NOTHING_SHOWN, type Shown } from '../commands/changes.ts';
import type { Notice } from '../commands/notices.ts';
import type { Presenter } from '../commands/presenters.ts';
import type { Explanation } from '../core/explanation.ts';
import type { Message } from './protocol.ts';

/** An open page. */
export interface Subscriber {
  send(message: Message): void;
  /** Whether it has not received the last message yet: nothing more is sent until it has, and then everything (`Feed.catchUp`). */
  isBehind(): boolean;
}

/** Fast enough to look alive; of more frequent changes only the latest is sent. */
const GATHER_MS = 100;

export class Feed implements Presenter {
  readonly gatherMs = GATHER_MS;
  readonly #cluster: string;
  readonly #subscribers = new Set<Subscriber>();
  readonly #behind = new Set<Subscriber>();
  #shown: Shown = NOTHING_SHOWN;
  #isComplete = false;
  #trouble: string | undefined;

  /** @param cluster the name of the cluster, for people. */
  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  /** Sends it everything now, and every change until the returned function is called. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    this.#sendAll(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
      this.#behind.delete(subscriber);
    };
  }

  /** Call it when a slow subscriber has received everything. */
  catchUp(subscriber: Subscriber): void {
    if (this.#behind.delete(subscriber)) this.#sendAll(subscriber);
  }

  show(explanations: readonly Explanation[], isComplete: boolean): void {
    const { shown, changes } = compare(this.#shown, explanations, () => true);
    const hasNews = changes.length > 0 || isComplete !== this.#isComplete;
    this.#shown = shown;
    this.#isComplete = isComplete;
    if (hasNews) this.#send({ is: 'changes', changes, isComplete });
  }

  notice({ text, isOver }: Notice): void {
    this.#trouble = isOver ? undefined : text;
    this.#send(this.#troubleNow());
  }

  close(): void {}

  #send(message: Message): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.isBehind()) this.#behind.add(subscriber);
      if (!this.#behind.has(subscriber)) subscriber.send(message);
    }
  }

  #sendAll(subscriber: Subscriber): void {
    const rows = [...this.#shown.values()];
    subscriber.send({ is: 'state', rows, isComplete: this.#isComplete, cluster: this.#cluster });
    subscriber.send(this.#troubleNow());
  }

  #troubleNow(): Message {
    return { is: 'trouble', ...(this.#trouble !== undefined && { text: this.#trouble }) };
  }
}
