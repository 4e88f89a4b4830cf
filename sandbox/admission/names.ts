/** Valid names, labels and annotations (apimachinery `util/validation`), with the API server's messages. */
import { type Cause, invalidValue } from '../errors.ts';
import { isObject, type JsonObject } from '../json.ts';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const SUBDOMAIN_FAULT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_FAULT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_FAULT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_FAULT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** Why the name is not a DNS-1123 label; empty if it is one. */
export const dnsLabelFaults = (name: string): string[] => [
  ...(name.length > 63 ? ['must be no more than 63 bytes'] : []),
  ...(DNS_LABEL.test(name) ? [] : [LABEL_FAULT]),
];

/** Why the name is not a DNS-1123 subdomain, the form of most names; empty if it is one. */
export const dnsSubdomainFaults = (name: string): string[] => [
  ...(name.length > 253 ? ['must be no more than 253 bytes'] : []),
  ...(DNS_SUBDOMAIN.test(name) ? [] : [SUBDOMAIN_FAULT]),
];

/** RBAC names may contain everything that a path segment may. */
export function pathSegmentFaults(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((sign) => name.includes(sign)).map((sign) => `may not contain '${sign}'`);
}

/** Why the key is not valid for a label, an annotation or a taint. */
export function qualifiedNameFaults(key: string): string[] {
  const parts = key.split('/');
  const [prefix, name] = parts.length === 2 ? parts : [undefined, key];
  if (parts.length > 2) {
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const faults: string[] = [];
  if (prefix !== undefined) {
    if (prefix === '') faults.push('prefix part must be non-empty');
    else faults.push(...dnsSubdomainFaults(prefix).map((fault) => `prefix part ${fault}`));
  }
  if (name === undefined || name === '') return [...faults, 'name part must be non-empty', QUALIFIED_FAULT];
  if (name.length > 63) faults.push('name part must be no more than 63 bytes');
  if (!QUALIFIED.test(name)) faults.push(QUALIFIED_FAULT);
  return faults;
}

export const labelValueFaults = (value: string): string[] => [
  ...(value.length > 63 ? ['must be no more than 63 bytes'] : []),
  ...(LABEL_VALUE.test(value) ? [] : [VALUE_FAULT]),
];

export function labelCauses(labels: unknown, field: string): Cause[] {
  if (!isObject(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameFaults(key).map((fault) => invalidValue(field, key, fault)),
    ...labelValueFaults(String(value)).map((fault) => invalidValue(field, value, fault)),
  ]);
}

export function annotationCauses(annotations: unknown, field: string): Cause[] {
  if (!isObject(annotations)) return [];
  const causes = Object.keys(annotations).flatMap((key) =>
    qualifiedNameFaults(key.toLowerCase()).map((fault) => invalidValue(field, key, fault)),
  );
  const bytes = sizeOf(annotations);
  if (bytes <= MAX_ANNOTATIONS_BYTES) return causes;
  const message = `Too long: may not be more than ${MAX_ANNOTATIONS_BYTES} bytes`;
  return [...causes, { reason: 'FieldValueTooLong', field, message }];
}

function sizeOf(annotations: JsonObject): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  return bytes;
}
