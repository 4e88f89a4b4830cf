/** The address on which a server listens, in Go's notation. */

export type BindAddress =
  | { readonly is: 'off' }
  /** Without a host: every address of the machine. Port 0: any free one. */
  | { readonly is: 'on'; readonly host?: string; readonly port: number };

const ADDRESS = /^(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9._-]*)):(\d{1,5})$/;

/** @returns undefined if the text is not an address. `0` alone means off, as in controller-runtime. */
export function parseBindAddress(text: string): BindAddress | undefined {
  if (text === '0') return { is: 'off' };
  const match = ADDRESS.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  const host = match[1] ?? match[2] ?? '';
  return host === '' ? { is: 'on', port } : { is: 'on', host, port };
}

export function formatBindAddress({ host, port }: { readonly host?: string; readonly port: number }): string {
  return host?.includes(':') === true ? `[${host}]:${port}` : `${host ?? ''}:${port}`;
}
