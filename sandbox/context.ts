/** The state that every part of the server works on. */
import type { Accounts } from './accounts.ts';
import type { SandboxClock } from './api.ts';
import type { Registry } from './kinds/registry.ts';
import type { Store } from './store/store.ts';

export interface Context {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: SandboxClock;
  readonly accounts: Accounts;
}

/** RFC 3339 in whole seconds, as `metav1.Time` is written. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
