import { useEffect, useState } from 'preact/hooks';
import type { Row } from '../protocol.ts';
import { type Filter, keyOf, span } from './model.ts';

/** The number of rows shown at first, and added each time: the whole list is redrawn every second. */
const PAGE_ROWS = 100;

interface Props {
  readonly rows: readonly Row[];
  readonly isComplete: boolean;
  readonly now: number;
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
  readonly open: string | undefined;
  readonly onOpen: (key: string) => void;
}

export function List({ rows, isComplete, now, filter, onFilter, open, onOpen }: Props) {
  const [limit, setLimit] = useState(PAGE_ROWS);
  useEffect(() => setLimit(PAGE_ROWS), [filter]);
  const shown = rows.slice(0, limit);
  return (
    <section aria-labelledby="list">
      <h2 id="list" tabIndex={-1}>
        {filter.group ?? (filter.all ? 'Everything' : 'Under way')}
      </h2>
      <div class="filters">
        <label>
          Find{' '}
          <input
            type="search"
            value={filter.text}
            onInput={({ currentTarget }) => onFilter({ ...filter, text: currentTarget.value })}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={filter.all}
            onChange={({ currentTarget }) => onFilter({ ...filter, all: currentTarget.checked })}
          />{' '}
          also what is not under way
        </label>
      </div>
      {rows.length === 0 ? (
        <p>{emptyText(filter, isComplete)}</p>
      ) : (
        <table>
          <caption class="hidden">{rows.length} objects, what needs a person first</caption>
          <thead>
            <tr>
              <th scope="col">Object</th>
              <th scope="col">State</th>
              <th scope="col">Progress</th>
              <th scope="col">Since</th>
              <th scope="col">Left</th>
              <th scope="col">Waits for</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Line key={keyOf(row)} row={row} now={now} isOpen={open === keyOf(row)} onOpen={onOpen} />
            ))}
          </tbody>
        </table>
      )}
      {rows.length > shown.length && (
        <button type="button" onClick={() => setLimit(limit + PAGE_ROWS)}>
          Show {Math.min(PAGE_ROWS, rows.length - shown.length)} more of {rows.length}
        </button>
      )}
    </section>
  );
}

function emptyText({ text, group, all }: Filter, isComplete: boolean): string {
  if (!isComplete) return 'Asking the cluster …';
  return text === '' && group === undefined && !all ? 'Nothing is under way.' : 'Nothing matches.';
}

interface LineProps {
  readonly row: Row;
  readonly now: number;
  readonly isOpen: boolean;
  readonly onOpen: (key: string) => void;
}

function Line({ row, now, isOpen, onOpen }: LineProps) {
  const key = keyOf(row);
  const { state, outlook, progress, since, deadline, waitsFor = '' } = row;
  return (
    <tr class={isOpen ? 'open' : ''}>
      <th scope="row">
        <button type="button" class="name" aria-expanded={isOpen} onClick={() => onOpen(key)}>
          {key}
        </button>
      </th>
      <td>
        <span class={`badge ${outlook}`}>{state}</span>
      </td>
      <td>{progress !== undefined && <Bar {...progress} of={key} />}</td>
      <td>{span(since, now)}</td>
      <td>{span(deadline, now)}</td>
      <td>{waitsFor}</td>
    </tr>
  );
}

function Bar({ done, total, of }: { readonly done: number; readonly total: number; readonly of: string }) {
  return (
    <>
      <progress value={total === 0 ? 1 : done} max={Math.max(1, total)} aria-label={`Pods of ${of} that have gone`} />{' '}
      {done}/{total}
    </>
  );
}
