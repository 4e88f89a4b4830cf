/** A plan as one page: which Pod goes where, as a picture and as a table. It contains no script and loads nothing. Pure. */
import type { NodePlan, Plan, PodPlan } from '../tmm/explain/plan.ts';
import { html, Markup } from './html.ts';

const ROW_PX = 22;
const COLUMN_PX = 340;
const GAP_PX = 200;
/** Beyond this, the lines would be a tangle; the table contains the same data. */
const MAX_DRAWN_PODS = 300;

const VERDICTS: Readonly<Record<NodePlan['verdict'], string>> = {
  Proceed: 'may go',
  Wait: 'would have to wait',
  Reject: 'would be rejected',
  NotFound: 'not found',
};

const FATES: Readonly<Record<PodPlan['fate'], string>> = {
  Moves: 'moves',
  Goes: 'goes',
  Waits: 'waits for the Node',
  ComesBack: 'comes back',
  Stays: 'stays',
  Blocks: 'blocks',
};

const STYLE = new Markup(`
:root { color-scheme: light dark; --line: #8886; --green: #1a7f37; --yellow: #8a6100; --red: #c62828; --grey: #6b7280; --blue: #0b62b0; }
@media (prefers-color-scheme: dark) { :root { --green: #56d364; --yellow: #e3b341; --red: #ff7b72; --grey: #9aa4b2; --blue: #79b8ff; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; max-width: 75rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.Proceed { color: var(--green); } .Wait { color: var(--yellow); } .Reject, .NotFound { color: var(--red); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; vertical-align: top; } td:first-child, td:last-child { overflow-wrap: anywhere; min-width: 12rem; }
svg { max-width: 100%; height: auto; } svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
.box { fill: none; stroke: var(--line); } .way { fill: none; stroke-width: 1.5; opacity: .8; }
.Moves { stroke: var(--blue); } .Waits, .ComesBack { stroke: var(--yellow); } .Blocks { stroke: var(--red); } .Goes, .Stays { stroke: var(--grey); }
td.fate { stroke: none; }
`);

/** @param writtenAt RFC 3339; when the cluster was read. */
export function planPage({ nodes, batches }: Plan, writtenAt: string): string {
  const title = nodes.length === 1 ? `Plan for Node ${nodes[0]?.node ?? ''}` : `Plan for ${nodes.length} Nodes`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>What would happen if they were asked to go, by the controller’s own verdict. As the cluster was at ${writtenAt}.</p>
${nodes.map(sectionOf)}
${nodes.length > 1 && batches.length > 0 ? batchesOf(batches) : ''}
</main>
</body>
</html>
`.text;
}

function batchesOf(batches: Plan['batches']): Markup {
  const sets = batches.map((batch) => html`<li>${batch.join(', ')}</li>\n`);
  return html`<h2>May go together, one set after another</h2>\n<ol>\n${sets}</ol>`;
}

function sectionOf({ node, verdict, reason, message, pods, notModelled }: NodePlan): Markup {
  const because = reason === undefined ? '' : ` (${reason})`;
  return html`<section aria-label="${`Node ${node}`}">
<h2>Node ${node}: <span class="${verdict}">${VERDICTS[verdict]}${because}</span></h2>
<p>${message}</p>
${pods.length === 0 ? '' : picture(node, pods)}
${pods.length === 0 ? '' : tableOf(pods)}
${notModelled.length === 0 ? '' : html`<p>Not judged: ${notModelled.join('; ')}</p>`}
</section>
`;
}

/** The end point of a Pod's line. */
const goalOf = ({ fate, to }: PodPlan, node: string): string => {
  if (to !== undefined) return to;
  return fate === 'Moves' || fate === 'Goes' ? 'elsewhere' : node;
};

function picture(node: string, pods: readonly PodPlan[]): Markup | string {
  if (pods.length > MAX_DRAWN_PODS) return html`<p>The picture is left out, since there are ${pods.length} Pods.</p>`;
  const goals = [...new Set(pods.map((pod) => goalOf(pod, node)))].sort();
  const height = Math.max(pods.length, goals.length) * ROW_PX + ROW_PX;
  const step = (height - ROW_PX) / goals.length;
  const goalY = new Map(goals.map((goal, index) => [goal, step * (index + 0.5) + ROW_PX / 2]));
  const rows = pods.map((pod, index): Markup => {
    const y = (index + 1) * ROW_PX;
    const end = goalY.get(goalOf(pod, node)) ?? y;
    const [from, to, middle] = [COLUMN_PX, COLUMN_PX + GAP_PX, COLUMN_PX + GAP_PX / 2];
    const way = `M${from} ${y - 4} C${middle} ${y - 4} ${middle} ${end - 4} ${to} ${end - 4}`;
    return html`<path class="${`way ${pod.fate}`}" d="${way}"/><text x="${COLUMN_PX - 8}" y="${y}" text-anchor="end">${cut(pod.pod)}</text>\n`;
  });
  const ends = goals.map((goal): Markup => {
    const y = goalY.get(goal) ?? 0;
    return html`<rect class="box" x="${COLUMN_PX + GAP_PX}" y="${y - 18}" width="${COLUMN_PX - 20}" height="${ROW_PX + 2}" rx="4"/><text x="${COLUMN_PX + GAP_PX + 10}" y="${y}">${cut(goal)}</text>\n`;
  });
  const width = 2 * COLUMN_PX + GAP_PX;
  return html`<svg viewBox="${`0 0 ${width} ${height}`}" width="${width}" height="${height}" role="img" aria-label="Which Pod goes to which Node; the table below says the same">
${rows}${ends}</svg>`;
}

/** The table shows the whole name. */
const cut = (name: string): string => (name.length > 44 ? `${name.slice(0, 43)}…` : name);

function tableOf(pods: readonly PodPlan[]): Markup {
  const rows = pods.map(
    ({ pod, fate, to = '', why = '' }) =>
      html`<tr><td>${pod}</td><td class="fate">${FATES[fate]}</td><td>${to}</td><td>${why}</td></tr>\n`,
  );
  return html`<table>
<thead><tr><th scope="col">Pod</th><th scope="col">Fate</th><th scope="col">To</th><th scope="col">Why</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`;
}
