import type { Log } from '../../core/ports.ts';

/** Logs at debug level: for a watch whose failures are visible as the state of a connection. */
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
