/** Renders a plan for people and for programs. Pure. */
import type { NodePlan, Plan, PodPlan } from '../tmm/explain/plan.ts';
import { structured } from './format.ts';
import { type Cell, type Colour, paint, table } from './table.ts';
import { type Canvas, PIPE } from './terminal.ts';

export type PlanFormat = 'text' | 'json' | 'yaml';

/** JSON and YAML have the structure of `Plan`; the table is for people. */
export function renderPlan(found: Plan, output: PlanFormat, canvas: Canvas = PIPE): string {
  if (output !== 'text') return structured(found, output);
  const nodes = found.nodes.map((node) => renderNode(node, canvas));
  return [...nodes, renderBatches(found)].filter((part) => part !== '').join('\n');
}

const VERDICTS: Readonly<Record<NodePlan['verdict'], { readonly words: string; readonly colour: Colour }>> = {
  Proceed: { words: 'may go', colour: 'green' },
  Wait: { words: 'would have to wait', colour: 'yellow' },
  Reject: { words: 'would be rejected', colour: 'red' },
  NotFound: { words: 'not found', colour: 'red' },
};

const FATES: Readonly<Partial<Record<PodPlan['fate'], Colour>>> = {
  Stays: 'grey',
  Waits: 'yellow',
  ComesBack: 'yellow',
  Blocks: 'red',
};

function renderNode(plan: NodePlan, canvas: Canvas): string {
  const { node, verdict, reason, message, pods, notModelled } = plan;
  const { words, colour } = VERDICTS[verdict];
  const isTurnedDownLater = verdict === 'Wait' && reason !== undefined;
  const said = `${words}${isTurnedDownLater ? ', and be rejected if nothing changes' : ''}`;
  const title = `Node ${node}: ${canvas.hasColour ? paint(colour, said) : said}${reason === undefined ? '' : ` (${reason})`}`;
  const rows = pods.map(({ pod, fate, why, to }): readonly Cell[] => {
    const painted = FATES[fate];
    return [pod, painted === undefined ? fate : { text: fate, colour: painted }, to ?? '-', why ?? '-'];
  });
  const list = rows.length === 0 ? '' : table([['POD', 'FATE', 'TO', 'WHY'], ...rows], canvas);
  const left = notModelled.map((what) => `  Not judged: ${what}\n`).join('');
  return `${title}\n  ${message}\n${list}${canvas.columns === undefined ? '' : whatBlocks(pods)}${left}`;
}

/** If the table is cut to the terminal's width, the remedies follow below it, each once for all Pods that it applies to. */
function whatBlocks(pods: readonly PodPlan[]): string {
  const by = new Map<string, string[]>();
  for (const { pod, fate, why = '' } of pods) if (fate === 'Blocks') by.set(why, [...(by.get(why) ?? []), pod]);
  return [...by].map(([why, names]) => `  - ${names.join(', ')}: ${why}\n`).join('');
}

function renderBatches({ nodes, batches }: Plan): string {
  if (nodes.length < 2 || batches.length === 0) return '';
  const sets = batches.map((batch, index) => `  ${index + 1}. ${batch.join(', ')}\n`);
  return `May go together, one set after another:\n${sets.join('')}`;
}
