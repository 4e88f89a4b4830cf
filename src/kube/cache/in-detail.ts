import type { Log } from '../../core/ports.ts';

/** For a watch whose ups and downs are details: what they come to shows as the state of a connection. */
export function inDetail(log: Log): Log {
  const debug: Log['debug'] = (message, fields) => log.debug(message, fields);
  return {
    debug,
    info: debug,
    warn: debug,
    error: (message, fields) => log.error(message, fields),
    child: (fields) => inDetail(log.child(fields)),
  };
}
