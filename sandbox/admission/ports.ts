/** Validation of the ports of containers and Services. */
import { type Cause, duplicate, invalidValue, notSupported, required } from '../errors.ts';
import { type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { dnsLabelFaults } from './names.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MAX_PORT = 65_535;
const MAX_NAME = 15;

export function containerPortCauses(ports: readonly unknown[], path: string): Cause[] {
  const names = new Set<string>();
  return ports.map(objectOf).flatMap(({ name, containerPort, protocol }, index): Cause[] => {
    const at = `${path}[${index}]`;
    const faults = portNameFaults(textOf(name)).map((fault) => invalidValue(`${at}.name`, name, fault));
    const named = faults.length > 0 ? faults : secondName(names, name, at);
    if (containerPort === undefined || containerPort === 0) return [...named, required(`${at}.containerPort`)];
    return [...named, ...numberCauses(containerPort, `${at}.containerPort`), ...protocolCauses(protocol, at)];
  });
}

export function serviceCauses({ spec }: JsonObject): readonly Cause[] {
  const { type, clusterIP, ports: given } = objectOf(spec);
  const ports = listOf(given).map(objectOf);
  if (ports.length === 0) return clusterIP === 'None' || type === 'ExternalName' ? [] : [required('spec.ports')];
  const names = new Set<string>();
  const isSecond = (index: number): boolean =>
    ports.findIndex(({ port, protocol }) => port === ports[index]?.port && protocol === ports[index]?.protocol) < index;
  return ports.flatMap(({ name, port, protocol, targetPort }, index): Cause[] => {
    const at = `spec.ports[${index}]`;
    return [
      ...(ports.length > 1 && textOf(name) === '' ? [required(`${at}.name`)] : []),
      ...(textOf(name) === '' ? [] : dnsLabelFaults(textOf(name))).map((fault) =>
        invalidValue(`${at}.name`, name, fault),
      ),
      ...secondName(names, name, at),
      ...numberCauses(port ?? 0, `${at}.port`),
      ...protocolCauses(protocol, at),
      ...(typeof targetPort === 'number' ? numberCauses(targetPort, `${at}.targetPort`) : []),
      ...(isSecond(index) ? [duplicate(at, { ...NO_PORT, Protocol: protocol, Port: port })] : []),
    ];
  });
}

/** The form in which the server shows a duplicate port. */
const NO_PORT = { Name: '', Protocol: '', AppProtocol: null, Port: 0, TargetPort: 0, NodePort: 0 };

/** RFC 6335, section 5.1. */
function portNameFaults(name: string): string[] {
  if (name === '') return [];
  return [
    ...(name.length > MAX_NAME ? [`must be no more than ${MAX_NAME} characters`] : []),
    ...(/^[-a-z0-9]+$/.test(name) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(name) ? [] : ['must contain at least one letter (a-z)']),
    ...(name.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(/^-|-$/.test(name) ? ['must not begin or end with a hyphen'] : []),
  ];
}

/** A name that a port before has already. */
function secondName(names: Set<string>, given: unknown, path: string): Cause[] {
  const name = textOf(given);
  const isSecond = name !== '' && names.has(name);
  names.add(name);
  return isSecond ? [duplicate(`${path}.name`, name)] : [];
}

function numberCauses(port: unknown, path: string): Cause[] {
  const number = numberOf(port) ?? 0;
  return number > 0 && number <= MAX_PORT
    ? []
    : [invalidValue(path, port, `must be between 1 and ${MAX_PORT}, inclusive`)];
}

function protocolCauses(protocol: unknown, path: string): Cause[] {
  return PROTOCOLS.includes(textOf(protocol)) ? [] : [notSupported(`${path}.protocol`, protocol, PROTOCOLS)];
}
