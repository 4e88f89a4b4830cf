/** The options of the Cluster API bridge besides the one that switches it on. */
import type { OptionRow } from '../core/option.ts';
import { STALE_APPROVALS } from './names.ts';

export const CAPI_OPTION_ROWS: readonly OptionRow[] = [
  {
    flag: 'capi-require-node-label',
    path: ['capi', 'requireNodeLabel'],
    inFile: true,
    kind: 'string',
    defaultText: 'all Nodes participate',
    help: 'Label key that a Node must have to participate',
  },
  {
    flag: 'capi-hook-timeout',
    path: ['capi', 'hookTimeout'],
    inFile: true,
    kind: 'limit',
    default: '0',
    help: 'How long the pre-drain hook may hold a deletion before it is released without approval; 0 for no limit',
  },
  {
    flag: 'capi-allowed-proxies',
    path: ['capi', 'allowedProxies'],
    inFile: true,
    kind: 'list',
    defaultText: 'none',
    help: 'Proxies that kubeconfigs of workload clusters may name in proxy-url, as host or host:port',
  },
  {
    flag: 'capi-allow-insecure-tls',
    path: ['capi', 'allowInsecureTLS'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Accept insecure-skip-tls-verify in kubeconfigs of workload clusters; any server that answers receives their credentials',
  },
  {
    flag: 'capi-stale-approvals',
    path: ['capi', 'staleApprovals'],
    inFile: true,
    kind: 'enum',
    values: STALE_APPROVALS,
    default: 'accept',
    help: 'Whether an approval that was on the Node before the request counts; if ignored, it has to be given again',
  },
];
