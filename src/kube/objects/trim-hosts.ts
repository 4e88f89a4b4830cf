/** Trims kinds of Metal3. See `trim.ts`. */
import type { BareMetalHost } from '../../core/machine-objects.ts';
import { boolean, fields, present, text } from '../http/json.ts';
import { metaOf, partsOf, type Trim } from './trim-meta.ts';

/** A host's status holds an inventory of its hardware; a decision needs five of its fields. */
export const trimBareMetalHost: Trim<BareMetalHost> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { labels: _labels, annotations, ownerReferences: _owners, finalizers: _finalizers, ...identity } = metadata;
  const { spec, status } = partsOf(raw);
  return {
    metadata: present({ ...identity, annotations: ofPower(annotations) }),
    spec: present({ consumerRef: consumerOf(spec.consumerRef), disablePowerOff: boolean(spec.disablePowerOff) }),
    status: present({
      poweredOn: boolean(status.poweredOn),
      operationalStatus: text(status.operationalStatus) || undefined,
      provisioningState: text(fields(status.provisioning)?.state) || undefined,
      errorType: text(status.errorType) || undefined,
    }),
  };
};

/** Reboot annotations, also those of others; `paused` and `detached`; and our own notes. */
const KEYS_OF_POWER =
  /^(reboot\.metal3\.io($|\/)|baremetalhost\.metal3\.io\/(paused|detached)$|maintenance-bridge\.io\/)/;

function ofPower(map: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
  const kept = Object.entries(map ?? {}).filter(([key]) => KEYS_OF_POWER.test(key));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function consumerOf(raw: unknown): BareMetalHost['spec']['consumerRef'] {
  const consumer = fields(raw);
  return (
    consumer &&
    present({
      apiVersion: text(consumer.apiVersion),
      kind: text(consumer.kind),
      name: text(consumer.name),
      namespace: text(consumer.namespace),
    })
  );
}
