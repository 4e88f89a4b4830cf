import { describe, expect, it } from 'vitest';
import type { Explanation } from '../core/explanation.ts';
import { Feed, type Subscriber } from './feed.ts';
import type { Message } from './protocol.ts';

const node = (name: string, state: string): Explanation => ({
  ...{ kind: 'Node', name, state, outlook: 'Moving', isUnderWay: true, summary: '', details: [] },
});

class Page implements Subscriber {
  readonly got: Message[] = [];
  behind = false;
  send(message: Message): void {
    this.got.push(message);
  }
  isBehind(): boolean {
    return this.behind;
  }
  take(): readonly string[] {
    return this.got.splice(0).map((message) => message.is);
  }
}

describe('`Feed`', () => {
  it('gives a page everything, then changes, and nothing where nothing has changed', () => {
    const feed = new Feed('test');
    const page = new Page();
    feed.subscribe(page);
    expect(page.take()).toEqual(['state', 'trouble']);
    feed.show([node('a', 'Draining')], true);
    feed.show([node('a', 'Draining')], true);
    expect(page.take()).toEqual(['changes']);
  });

  it('gives everything to a page that was too slow, once it has caught up', () => {
    const feed = new Feed('test');
    const page = new Page();
    feed.subscribe(page);
    page.take();
    page.behind = true;
    feed.show([node('a', 'Draining')], true);
    page.behind = false;
    feed.show([node('a', 'InMaintenance')], true);
    expect(page.take()).toEqual([]);
    feed.catchUp(page);
    expect(page.got[0]).toMatchObject({ is: 'state', rows: [{ name: 'a', state: 'InMaintenance' }] });
    page.take();
    feed.show([], true);
    expect(page.take()).toEqual(['changes']);
  });

  it('tells later pages of a trouble that goes on, and sends nothing to one that has left', () => {
    const feed = new Feed('test');
    feed.notice({ text: 'no answer', isOver: false });
    const page = new Page();
    const leave = feed.subscribe(page);
    expect(page.got[1]).toEqual({ is: 'trouble', text: 'no answer' });
    page.take();
    leave();
    feed.notice({ text: 'open again', isOver: true });
    expect(page.take()).toEqual([]);
  });
});
