/** Addresses of Services. */
import type { Context } from '../context.ts';
import { type JsonObject, objectOf, textOf } from '../json.ts';

/** From 10.96.0.0/16, one after another. */
export function withAddress(spec: JsonObject, { store }: Context): JsonObject {
  if (spec.type === 'ExternalName') return spec;
  if (spec.clusterIP === 'None') return headless(spec);
  const taken = new Set(
    store
      .collection('services')
      .list()
      .map((service) => textOf(objectOf(service.spec).clusterIP)),
  );
  let number = taken.size + 1;
  const address = () => `10.96.${(number >> 8) & 0xff}.${number & 0xff}`;
  while (taken.has(address())) number += 1;
  const ip = textOf(spec.clusterIP) || address();
  return { ...spec, clusterIP: ip, clusterIPs: [ip], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
}

/** Without Pods of its own a Service may have addresses of both families. */
function headless(spec: JsonObject): JsonObject {
  const [ipFamilies, ipFamilyPolicy] =
    Object.keys(objectOf(spec.selector)).length > 0
      ? [['IPv4'], 'SingleStack']
      : [['IPv4', 'IPv6'], 'RequireDualStack'];
  return { clusterIPs: ['None'], ipFamilies, ipFamilyPolicy, ...spec };
}

const ALLOCATED = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'];

/** A replacement that does not mention the addresses keeps them. */
export function withKeptAddress(spec: JsonObject, before: JsonObject): JsonObject {
  if (spec.type === 'ExternalName' || before.type === 'ExternalName') return spec;
  const missing = ALLOCATED.filter((field) => spec[field] === undefined && before[field] !== undefined);
  return missing.length === 0
    ? spec
    : { ...spec, ...Object.fromEntries(missing.map((field) => [field, before[field]])) };
}
