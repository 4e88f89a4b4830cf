import { useEffect, useRef } from 'preact/hooks';
import type { Row } from '../protocol.ts';

const CELL_PX = 10;
const GAP_PX = 2;
const STEP_PX = CELL_PX + GAP_PX;

/**
 * An overview of all Nodes, a square each in the order of their names. It is drawn on a canvas, since thousands of elements would make the
 * page slow; users who cannot see it have the numbers above and the list below.
 */
export function NodeMap({ nodes }: { readonly nodes: readonly Row[] }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return;
    const draw = (): void => paint(canvas, nodes);
    draw();
    // The colours are those of the style sheet, which follows the user's choice of dark or light.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    addEventListener('resize', draw);
    return () => {
      scheme.removeEventListener('change', draw);
      removeEventListener('resize', draw);
    };
  }, [nodes]);
  return <canvas ref={ref} class="map" role="img" aria-label={`${nodes.length} Nodes, a square each`} />;
}

function paint(canvas: HTMLCanvasElement, nodes: readonly Row[]): void {
  const columns = Math.max(1, Math.floor((canvas.parentElement?.clientWidth ?? 0) / STEP_PX));
  const scale = devicePixelRatio;
  const [width, height] = [columns * STEP_PX, Math.ceil(nodes.length / columns) * STEP_PX];
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(scale, scale);
  const style = getComputedStyle(document.documentElement);
  const colours = new Map<Row['outlook'], string>();
  const sorted = nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  for (const [index, { outlook }] of sorted.entries()) {
    const colour = colours.get(outlook) ?? style.getPropertyValue(`--${outlook}`).trim();
    colours.set(outlook, colour);
    context.fillStyle = colour;
    context.fillRect((index % columns) * STEP_PX, Math.floor(index / columns) * STEP_PX, CELL_PX, CELL_PX);
  }
}
