/** The sender of a request: the administrator, or a ServiceAccount by its token. There is no RBAC: every account may do everything. */
import { randomBytes } from 'node:crypto';

/** The user as reviews show it. */
export interface User {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const ADMIN: User = { username: 'admin', uid: 'admin', groups: ['system:masters', 'system:authenticated'] };
const BEARER = /^bearer\s+/i;

/** The tokens that a server accepts. */
export class Accounts {
  readonly adminToken = randomBytes(24).toString('base64url');
  readonly #issued = new Map<string, { readonly user: User; readonly untilMs: number }>();

  /** A token in the form of a JWT. Its signature is never checked: the server remembers the tokens that it issued. */
  issue({ namespace, name, uid }: Account, untilMs: number): string {
    const username = `system:serviceaccount:${namespace}:${name}`;
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { sub: username, exp: Math.floor(untilMs / 1000) };
    const token = `${part({ alg: 'none' })}.${part(claims)}.${randomBytes(32).toString('base64url')}`;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    this.#issued.set(token, { user: { username, uid, groups }, untilMs });
    return token;
  }

  /** @returns undefined for a token that was never issued, or has expired. */
  userOf(token: string, now: number): User | undefined {
    if (token === this.adminToken) return ADMIN;
    const issued = this.#issued.get(token);
    return issued !== undefined && now < issued.untilMs ? issued.user : undefined;
  }

  /** @param header the `Authorization` header as received */
  userOfHeader(header: string | undefined, now: number): User | undefined {
    return header !== undefined && BEARER.test(header) ? this.userOf(header.replace(BEARER, ''), now) : undefined;
  }
}
