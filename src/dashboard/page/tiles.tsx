import type { Filter, Group } from './model.ts';

interface Props {
  readonly groups: readonly Group[];
  readonly filter: Filter;
  readonly onChoose: (filter: Filter) => void;
}

/** How many objects are in each state; each is a button that shows only these. */
export function Tiles({ groups, filter, onChoose }: Props) {
  const choose = ({ key }: Group): void => {
    const { group, ...rest } = filter;
    onChoose(group === key ? rest : { ...rest, group: key });
  };
  return (
    <section class="tiles" aria-label="How many are in each state">
      {groups.map((each) => (
        <button
          type="button"
          key={each.key}
          class={`tile ${each.outlook}`}
          aria-pressed={filter.group === each.key}
          onClick={() => choose(each)}
        >
          <span class="count">{each.count}</span> <span class="what">{each.kind}</span>{' '}
          <span class="state">{each.state}</span>
        </button>
      ))}
    </section>
  );
}
