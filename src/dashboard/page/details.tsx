import { useEffect, useRef, useState } from 'preact/hooks';
import type { Row, Timeline } from '../protocol.ts';
import { besides, findingsOf, keyOf, span } from './model.ts';

interface Props {
  readonly row: Row;
  readonly rows: ReadonlyMap<string, Row>;
  readonly now: number;
  readonly onOpen: (key: string) => void;
  readonly onClose: () => void;
}

/** One object: its state, its blockers with the remedies, related objects, and its history. */
export function Details({ row, rows, now, onOpen, onClose }: Props) {
  const key = keyOf(row);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { state, outlook, summary, reason, waitsFor, preparation, release, blockedBy = [] } = row;
  const details = findingsOf(row);
  const neighbours = besides(rows, row);
  return (
    <aside
      aria-labelledby="details"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <h2 id="details" ref={heading} tabIndex={-1}>
        {key}
      </h2>
      <button type="button" class="close" onClick={onClose}>
        Close
      </button>
      <p>
        <span class={`badge ${outlook}`}>{state}</span> {summary}.
      </p>
      <dl>
        {reason !== undefined && <Fact name="Reason" text={reason} />}
        {waitsFor !== undefined && <Fact name="Waits for" text={waitsFor} />}
        {row.since !== undefined && <Fact name="Since" text={`${row.since} (${span(row.since, now)})`} />}
        {row.deadline !== undefined && <Fact name="Until" text={`${row.deadline} (${span(row.deadline, now)})`} />}
      </dl>
      {preparation !== undefined && <Copyable title="First" command={preparation} />}
      {release !== undefined && (
        <Copyable
          title={row.kind === 'Node' || outlook === 'Ready' ? 'To end it' : 'To let it go on'}
          command={release}
        />
      )}
      {row.kind === 'Node' && (
        <p>
          <a href={`/plan?node=${encodeURIComponent(row.name)}`} target="_blank" rel="noopener">
            Where its Pods would go (opens a new tab)
          </a>
        </p>
      )}
      {neighbours.length > 0 && (
        <>
          <h3>Of the same machine</h3>
          <ul>
            {neighbours.map((each) => (
              <li key={each}>
                {rows.has(each) ? (
                  <button type="button" class="name" onClick={() => onOpen(each)}>
                    {each}
                  </button>
                ) : (
                  each
                )}{' '}
                {rows.get(each)?.state}
              </li>
            ))}
          </ul>
        </>
      )}
      {blockedBy.length > 0 && (
        <>
          <h3>Pods in the way</h3>
          <ul class="blockers">
            {blockedBy.map((each) => (
              <li key={each.pod}>
                <strong>{each.pod}</strong>: {each.cause}. {each.detail}
                <Remedy text={each.remedy} />
              </li>
            ))}
          </ul>
        </>
      )}
      {details.length > 0 && (
        <>
          <h3>More</h3>
          <ul>
            {details.map((detail) => (
              <li key={detail}>
                <Remedy text={detail} />
              </li>
            ))}
          </ul>
        </>
      )}
      <History of={key} changed={`${state} ${row.since ?? ''}`} now={now} />
    </aside>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}

/** A remedy or a finding contains its command in backquotes, or is a sentence. */
function Remedy({ text }: { readonly text: string }) {
  const [, command] = /`([^`]+)`/.exec(text) ?? [];
  return (
    <>
      <p>{text}</p>
      {command !== undefined && <Copyable title="Command" command={command} />}
    </>
  );
}

const COPIED_MS = 2000;

function Copyable({ title, command }: { readonly title: string; readonly command: string }) {
  const [said, say] = useState('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(command);
      say('Copied');
    } catch {
      say('The browser does not let it be copied');
    }
    setTimeout(() => say(''), COPIED_MS);
  };
  return (
    <div class="command">
      <span>{title}</span>
      <code>{command}</code>
      <button type="button" aria-label={`Copy: ${command}`} onClick={() => void copy()}>
        Copy
      </button>
      <span role="status">{said}</span>
    </div>
  );
}

/** @param changed fetches the history again whenever it changes. */
function History({ of, changed, now }: { readonly of: string; readonly changed: string; readonly now: number }) {
  const [timeline, setTimeline] = useState<Timeline>();
  useEffect(() => {
    const asking = new AbortController();
    void ask(of, asking.signal).then((found) => found !== undefined && setTimeline(found));
    return () => asking.abort();
  }, [of, changed]);
  if (timeline === undefined) return null;
  return (
    <>
      <h3>What happened</h3>
      {timeline.is === 'unseen' && <p>Its Events cannot be seen: {timeline.why}</p>}
      {timeline.is === 'entries' && timeline.entries.length === 0 && <p>There are no Events about it.</p>}
      {timeline.is === 'entries' && (
        <ol class="timeline">
          {timeline.entries.map((each) => (
            <li key={`${each.at} ${each.reason} ${each.note}`} class={each.type}>
              <time dateTime={each.at}>{span(each.at, now)} ago</time> <strong>{each.reason}</strong>
              {each.count > 1 && ` (${each.count} times)`}: {each.note}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** undefined if it is not wanted any more, or the program has ended, which the page shows elsewhere. */
async function ask(of: string, signal: AbortSignal): Promise<Timeline | undefined> {
  try {
    const answer = await fetch(`/timeline?of=${encodeURIComponent(of)}`, { signal });
    return answer.ok ? ((await answer.json()) as Timeline) : undefined;
  } catch {
    return undefined;
  }
}
