/** How a Machine refers to its host (cluster-api-provider-metal3, baremetal/metal3machine_manager.go). */

export type ProviderID =
  /** There is none yet, or it is another provider's. */
  | { readonly is: 'notOurs' }
  /** `metal3://namespace/host/metal3machine`. */
  | {
      readonly is: 'named';
      readonly namespace: string;
      readonly host: string;
      readonly metal3Machine: string;
    }
  /** `metal3://<UID of the host>`, as written before cluster-api-provider-metal3 1.1.1; a Machine keeps it until it is replaced. */
  | { readonly is: 'legacy'; readonly uid: string }
  | { readonly is: 'malformed' };

const SCHEME = 'metal3://';
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function parseProviderID(text: string | undefined): ProviderID {
  if (text === undefined || !text.startsWith(SCHEME)) return { is: 'notOurs' };
  const parts = text.slice(SCHEME.length).split('/');
  const [namespace = '', host = '', metal3Machine = ''] = parts;
  if (parts.length === 1 && UID.test(namespace)) return { is: 'legacy', uid: namespace.toLowerCase() };
  if (parts.length !== 3 || !parts.every((part) => NAME.test(part))) return { is: 'malformed' };
  return { is: 'named', namespace, host, metal3Machine };
}
