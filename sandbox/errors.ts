/** Refusals with the messages of the API server (apimachinery `api/errors`), which clients and people know. */
import { ApiError } from './api.ts';

/** The subject of a refusal: `pods`, and the group unless it is the core one. */
export interface About {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

/** One fault of an object, like `field.Error`. */
export interface Cause {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound';
  readonly field: string;
  readonly message: string;
}

/** `pods "web-1"`, `deployments.apps "web"` */
export const named = ({ group, plural }: About, name: string): string =>
  `${group === '' ? plural : `${plural}.${group}`} "${name}"`;

const details = ({ group, plural }: About, name: string) => ({
  ...(name !== '' && { name }),
  ...(group !== '' && { group }),
  kind: plural,
});

export const notFound = (about: About, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${named(about, name)} not found`, details(about, name));

/** No such path or resource. */
export const notServed = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

export function alreadyExists(about: About, name: string, isDeleting = false): ApiError {
  const message = `${isDeleting ? 'object is being deleted: ' : ''}${named(about, name)} already exists`;
  return new ApiError(409, 'AlreadyExists', message, details(about, name));
}

export const conflict = (about: About, name: string, why: string, causes?: readonly object[]): ApiError =>
  new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${named(about, name)}: ${why}`, {
    ...details(about, name),
    ...(causes !== undefined && { causes }),
  });

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);

export const forbidden = (about: About, name: string, why: string, causes?: readonly object[]): ApiError =>
  new ApiError(403, 'Forbidden', `${named(about, name)} is forbidden: ${why}`, {
    ...details(about, name),
    ...(causes !== undefined && { causes }),
  });

export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const expired = (message: string): ApiError => new ApiError(410, 'Expired', message);

export function invalid({ group, kind }: About, name: string, causes: readonly Cause[]): ApiError {
  const sentences = causes.map(({ field, message }) => `${field}: ${message}`);
  const all = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`;
  const qualified = group === '' ? kind : `${kind}.${group}`;
  return new ApiError(422, 'Invalid', `${qualified} ${JSON.stringify(name)} is invalid: ${all}`, {
    ...details({ group, plural: kind, kind }, name),
    causes,
  });
}

export const required = (field: string, detail = ''): Cause => ({
  reason: 'FieldValueRequired',
  field,
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
});

export const invalidValue = (field: string, value: unknown, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
});

export const forbiddenField = (field: string, detail: string): Cause => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${detail}`,
});

export const duplicate = (field: string, value: unknown): Cause => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${JSON.stringify(value)}`,
});

export const notSupported = (field: string, value: unknown, known: readonly string[]): Cause => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${known.map((text) => JSON.stringify(text)).join(', ')}`,
});

/** The body of every refusal. */
export function statusOf({ code, reason, message, details }: ApiError): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason !== '' && { reason }),
    ...(details && { details }),
    code,
  };
}
