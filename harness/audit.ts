/** The sandbox's request log in the form of an audit log. */

import type { AuditEvent } from '../controlplane/controlplane.ts';
import type { LoggedRequest } from '../sandbox/start.ts';

/** @param request one that was answered, or whose connection broke (code 0) */
export function auditEventOf({ verb, path, code, userAgent, user, body, atMs }: LoggedRequest): AuditEvent {
  const requestObject = body === undefined ? undefined : parsed(body);
  const objectRef = objectRefOf(path, requestObject);
  return {
    stage: 'ResponseComplete',
    verb,
    requestURI: path,
    userAgent,
    user: { username: user },
    responseStatus: { code },
    requestReceivedTimestamp: new Date(atMs).toISOString().replace('Z', '000Z'),
    ...(objectRef !== undefined && { objectRef }),
    ...(requestObject !== undefined && { requestObject }),
  };
}

/** Like the server, takes the name of a created object from the body. */
function objectRefOf(path: string, body: unknown): AuditEvent['objectRef'] {
  const [root, ...rest] = (path.split('?')[0] ?? '').split('/').slice(1);
  if (root !== 'api' && root !== 'apis') return undefined;
  const [apiGroup, , ...parts] = root === 'api' ? ['', ...rest] : rest;
  const isInside = parts[0] === 'namespaces' && parts.length > 2;
  const [resource, inPath, subresource] = isInside ? parts.slice(2) : parts;
  if (resource === undefined) return undefined;
  const name = inPath ?? (body as { readonly metadata?: { readonly name?: string } } | undefined)?.metadata?.name;
  return {
    resource,
    ...(apiGroup !== undefined && apiGroup !== '' && { apiGroup }),
    ...(isInside && { namespace: parts[1] ?? '' }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
