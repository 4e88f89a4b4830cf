/**
 * Who may see the page: the user who opens the printed address, once, and then the same browser. Other users of the machine do not know the
 * token, and other sites in this browser cannot read the token or the cookie. Pure.
 */
import { timingSafeEqual } from 'node:crypto';

export interface Visit {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The server's data about permitted visitors. */
export interface Door {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** undefined once it was used. */
  readonly token: string | undefined;
  readonly session: string;
}

export type Admission =
  /** May read the objects of the path. */
  | { readonly is: 'admitted' }
  /** Has presented the token, which is valid once, and gets a session in its place. */
  | { readonly is: 'welcome' }
  | { readonly is: 'refused'; readonly code: 400 | 403 | 405; readonly why: string };

/** Cookies do not distinguish ports, and several dashboards may be open. */
export const cookieNameOf = (host: string): string => `maintenance-bridge-${host.split(':')[1] ?? ''}`;

/**
 * Decides about one request. A name that was made to resolve to this machine (DNS rebinding) is detected by its Host header; a page of
 * another origin by Origin and Sec-Fetch-Site, which scripts cannot set.
 */
export function admit({ method, url, headers }: Visit, { host, token, session }: Door): Admission {
  if (method !== 'GET') return { is: 'refused', code: 405, why: 'This page is for reading only.' };
  if (headers.host !== host) return { is: 'refused', code: 400, why: `This page is served as http://${host} only.` };
  if (isForeign(headers, host)) return { is: 'refused', code: 403, why: 'Other sites may not read this page.' };
  if (isSame(cookieOf(headers.cookie, cookieNameOf(host)), session)) return { is: 'admitted' };
  const { pathname, searchParams } = new URL(url, `http://${host}`);
  const shown = searchParams.get('token') ?? undefined;
  if (pathname === '/' && isSame(shown, token)) return { is: 'welcome' };
  const why =
    shown === undefined
      ? 'Open the address that `maintenance-bridge dashboard` has printed, with its token.'
      : 'This address has been opened before, by this or another browser. A second tab is opened from the first one; for another browser, start `maintenance-bridge dashboard` again.';
  return { is: 'refused', code: 403, why };
}

function isForeign(headers: Visit['headers'], host: string): boolean {
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return true;
  const site = headers['sec-fetch-site'];
  // Following a link from elsewhere shows this page to the user and not to the other site.
  const isNavigation = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation;
}

function cookieOf(header: string | readonly string[] | undefined, name: string): string | undefined {
  const pairs = (typeof header === 'string' ? header : '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([key]) => key === name)?.[1];
}

function isSame(given: string | undefined, wanted: string | undefined): boolean {
  if (given === undefined || wanted === undefined) return false;
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}
