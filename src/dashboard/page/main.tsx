/** The page: connects to the program and draws the state that it receives. */
import { render } from 'preact';
import { useEffect, useMemo, useReducer, useState } from 'preact/hooks';
import type { Message } from '../protocol.ts';
import { Details } from './details.tsx';
import { List } from './list.tsx';
import { advance, chosen, EMPTY, type Filter, groupsOf } from './model.ts';
import { NodeMap } from './node-map.tsx';
import { Tiles } from './tiles.tsx';

/** The state of the page's connection to the program. */
type Link = 'connecting' | 'open' | 'lost' | 'ended';

const TICK_MS = 1000;

const LINKS: Readonly<Record<Link, string>> = {
  connecting: 'Connecting …',
  open: 'Live',
  lost: 'The connection to maintenance-bridge is lost; trying again. What is shown may be old.',
  ended: 'maintenance-bridge dashboard has ended, or was started again: open the address that it has printed.',
};

function useMessages() {
  const [state, tell] = useReducer(advance, EMPTY);
  const [link, setLink] = useState<Link>('connecting');
  useEffect(() => {
    const source = new EventSource('/messages');
    source.onopen = () => setLink('open');
    source.onmessage = ({ data }) => tell(JSON.parse(data) as Message);
    source.onerror = () => setLink(source.readyState === EventSource.CLOSED ? 'ended' : 'lost');
    return () => source.close();
  }, []);
  return { state, link };
}

function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function Page() {
  const { state, link } = useMessages();
  const now = useNow();
  const [filter, setFilter] = useState<Filter>({ text: '', all: false });
  const [open, setOpen] = useState<string | undefined>();
  const groups = useMemo(() => groupsOf(state.rows.values()), [state.rows]);
  const rows = useMemo(() => chosen(state.rows.values(), filter), [state.rows, filter]);
  const nodes = useMemo(() => [...state.rows.values()].filter(({ kind }) => kind === 'Node'), [state.rows]);
  const opened = open === undefined ? undefined : state.rows.get(open);
  return (
    <>
      <a class="skip" href="#list">
        Skip to the list
      </a>
      <header>
        <h1>Maintenance</h1>
        <p class="cluster">{state.cluster}</p>
        <p class={`link ${link}`} role="status">
          {LINKS[link]}
        </p>
      </header>
      {state.trouble !== undefined && (
        <p class="trouble" role="alert">
          The API server: {state.trouble}
        </p>
      )}
      <main>
        <Tiles groups={groups} filter={filter} onChoose={setFilter} />
        <NodeMap nodes={nodes} />
        <List
          rows={rows}
          isComplete={state.isComplete}
          now={now}
          filter={filter}
          onFilter={setFilter}
          open={open}
          onOpen={setOpen}
        />
      </main>
      {opened !== undefined && (
        <Details
          key={open}
          row={opened}
          rows={state.rows}
          now={now}
          onOpen={setOpen}
          onClose={() => setOpen(undefined)}
        />
      )}
    </>
  );
}

const place = document.getElementById('page');
if (place !== null) {
  place.replaceChildren();
  render(<Page />, place);
}
