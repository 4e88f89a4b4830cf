/** Host ports (scheduler plugin NodePorts). */
import type { HostPort, Pod } from '../objects.ts';
import type { FitNode } from './node.ts';
import type { Rule } from './rule.ts';

const REFUSAL = ["node(s) didn't have free ports for the requested pod ports"];
const ALL_ADDRESSES = '0.0.0.0';

export function portsRule({ spec: { scheduling } }: Pod): Rule | undefined {
  const wanted = scheduling?.hostPorts;
  if (wanted === undefined) return undefined;
  const staying = new Map<FitNode, readonly HostPort[]>();
  return {
    change: 'worse',
    refuse: (node) => {
      let used = staying.get(node);
      if (used === undefined) {
        used = portsOf(node.pods);
        staying.set(node, used);
      }
      return clash(wanted, used) || clash(wanted, portsOf(node.placed)) ? REFUSAL : undefined;
    },
  };
}

function portsOf(pods: readonly Pod[]): readonly HostPort[] {
  return pods.flatMap(({ spec }) => spec.scheduling?.hostPorts ?? []);
}

function clash(wanted: readonly HostPort[], used: readonly HostPort[]): boolean {
  return used.length > 0 && wanted.some((port) => used.some((other) => isSamePort(port, other)));
}

/** A port on all addresses clashes with the same port on any of them. */
function isSamePort(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || (a.protocol ?? 'TCP') !== (b.protocol ?? 'TCP')) return false;
  const [one, other] = [a.ip ?? ALL_ADDRESSES, b.ip ?? ALL_ADDRESSES];
  return one === other || one === ALL_ADDRESSES || other === ALL_ADDRESSES;
}
