/** Machines with the time at which their maintenance was requested, which is only shown to people. */
import { MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { DatedMachine } from '../core/machine-objects.ts';
import { fields, listOf, text } from '../kube/http/json.ts';
import type { Trim } from '../kube/objects/trim.ts';
import { trimMachine } from '../kube/objects/trim-machines.ts';

export const trimDatedMachine: Trim<DatedMachine> = (raw) => {
  const machine = trimMachine(raw);
  const requestedAt = writtenAt(raw, MAINTENANCE_LABEL);
  return machine === undefined || requestedAt === undefined ? machine : { ...machine, requestedAt };
};

/** When a label was last written: the API server records it for each field manager (`metadata.managedFields[].time`). */
function writtenAt(raw: unknown, label: string): string | undefined {
  const entries = listOf(fields(fields(raw)?.metadata)?.managedFields, (entry) => entry) ?? [];
  const times = entries.flatMap(({ fieldsV1, time }) => {
    const labels = fields(fields(fields(fieldsV1)?.['f:metadata'])?.['f:labels']);
    return labels?.[`f:${label}`] === undefined ? [] : [text(time) ?? ''];
  });
  return times.sort().at(-1);
}
