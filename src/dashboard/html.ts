/** HTML in which every text is escaped, whatever the cluster has put into it. */

/** Trusted markup. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Markup | readonly Markup[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** As a tag of a template: `html\`<b title="${name}">${name}</b>\``. Attributes are written in quotes. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    texts.map((text, index) => `${text}${index < parts.length ? write(parts[index] ?? '') : ''}`).join(''),
  );
}

function write(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'number') return `${part}`;
  if (typeof part !== 'string') return part.map(({ text }) => text).join('');
  return part.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
