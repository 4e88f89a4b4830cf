/** Logs for commands: silent, or short lines for a person who watches. */

import { messageOf } from '../core/error-message.ts';
import type { LogFields } from '../core/log-keys.ts';
import type { Log } from '../core/ports.ts';

export const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => SILENT };

/** A message for the user about a watch. */
export interface Notice {
  /** Without a line end. */
  readonly text: string;
  /** Whether it reports the end of a trouble. */
  readonly isOver: boolean;
}

/** Reports each trouble once, and once more when it is over. */
export function noticesTo(tell: (notice: Notice) => void): Log {
  const troubled = new Set<unknown>();
  const say = (isOver: boolean, message: string, { resource, detail, err }: LogFields = {}): void => {
    const what = detail ?? (err === undefined ? undefined : messageOf(err));
    const parts = [message, resource, what].filter((part) => part !== undefined);
    tell({ text: parts.join(': '), isOver });
  };
  const log: Log = {
    debug: () => {},
    info: (message, fields) => {
      if (troubled.delete(fields?.resource)) say(true, message, { resource: fields?.resource });
    },
    warn: (message, fields) => {
      troubled.add(fields?.resource);
      say(false, message, fields);
    },
    error: (message, fields) => say(false, message, fields),
    child: () => log,
  };
  return log;
}
