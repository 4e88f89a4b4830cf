/** When each alert fires and when it does not, as series that Prometheus would have scraped once a minute. */

/** Labels that a scrape adds to one replica, and those of the alert that stay. */
const INSTALLATION = { namespace: 'system', job: 'bridge' };
const A = { ...INSTALLATION, instance: '10.0.0.1:8080' };
const B = { ...INSTALLATION, instance: '10.0.0.2:8080' };

type Labels = Readonly<Record<string, string>>;
/** Series by their selector; the values in promtool's notation (`2x3` is 2 and three more, `0+60x3` counts up). */
type Series = Readonly<Record<string, string>>;

export interface AlertCase {
  readonly alert: string;
  /** With these series, the alert fires at `at`, in minutes, and not a minute earlier. */
  readonly series: Series;
  readonly at: number;
  /** Labels of the firing alert, in addition to its severity. */
  readonly labels: Labels;
  /** The summary that an operator reads. */
  readonly summary: string;
  /** With these series, it does not fire up to `at` and some time after. */
  readonly calm: Series;
}

function series(name: string, labels: Labels): string {
  const inner = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name}{${inner.join(',')}}`;
}
const ours = (name: string, labels: Labels = {}, replica: Labels = A): string =>
  series(`maintenance_bridge_${name}`, { ...replica, ...labels });

/** A counter that steps up once, in the sixth minute. */
const ONCE = '0x5 1x30';
/** An age that passes `limit` seconds in the second minute. */
const passing = (limit: number): string => `${limit - 60}+60x30`;

const inPhase = (phase: string): string => ours('tmm_oldest_phase_seconds', { phase });
const connection = (state: string): string => ours('capi_oldest_connection_state_seconds', { state });
const nodes = (phase: string): string => ours('tmm_nodes', { phase });

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'MaintenanceBridgeAbsent',
    series: { [series('up', A)]: '1x10' },
    at: 5,
    labels: {},
    summary: 'No maintenance-bridge is being scraped',
    calm: { [ours('build_info', { version: '1.0.0' })]: '1x20' },
  },
  {
    alert: 'MaintenanceBridgeAbsent',
    series: {
      [ours('build_info', { version: '1.0.0', cluster: 'one' })]: '1x1 stale',
      [ours('build_info', { version: '1.0.0', cluster: 'two' })]: '1x20',
    },
    at: 7,
    labels: { ...INSTALLATION, cluster: 'one' },
    summary: 'No maintenance-bridge is being scraped',
    calm: {
      // A new version at another address, with a gap as in a rollout.
      [ours('build_info', { version: '1.0.0' })]: '1x3 stale',
      [ours('build_info', { version: '2.0.0' }, B)]: '_x6 1x20',
    },
  },
  {
    alert: 'MaintenanceBridgeTargetDown',
    series: { [series('up', A)]: '1x1 0x20', [ours('build_info', { version: '1.0.0' })]: '1x1 _x20' },
    at: 7,
    labels: A,
    summary: 'maintenance-bridge at 10.0.0.1:8080 does not answer',
    calm: { [series('up', A)]: '0x20', [ours('build_info', { version: '1.0.0' }, B)]: '1x20' },
  },
  {
    alert: 'MaintenanceBridgeNoLeader',
    series: { [ours('leader')]: '0x10', [ours('leader', {}, B)]: '0x10' },
    at: 3,
    labels: INSTALLATION,
    summary: 'No replica of maintenance-bridge leads',
    calm: { [ours('leader')]: '0x10', [ours('leader', {}, B)]: '1x10' },
  },
  {
    alert: 'MaintenanceBridgeSeveralLeaders',
    series: { [ours('leader')]: '1x10', [ours('leader', {}, B)]: '1x10' },
    at: 2,
    labels: INSTALLATION,
    summary: '2 replicas of maintenance-bridge lead at once',
    calm: { [ours('leader')]: '1x10', [ours('leader', { job: 'another-installation' }, B)]: '1x10' },
  },
  {
    alert: 'MaintenanceBridgeRestarting',
    series: {
      [series('process_start_time_seconds', A)]: '100x9 700x9 1300x9 1900x9 2500x9',
      [ours('build_info', { version: '1.0.0' })]: '1x50',
    },
    at: 40,
    labels: A,
    summary: 'maintenance-bridge at 10.0.0.1:8080 was started anew 4 times within an hour',
    calm: {
      [series('process_start_time_seconds', { ...A, job: 'something-else' })]: '100x9 700x9 1300x9 1900x9 2500x9',
      [ours('build_info', { version: '1.0.0' })]: '1x50',
    },
  },
  {
    alert: 'MaintenanceBridgeWatchStale',
    series: { [ours('watch_staleness_seconds', { resource: 'pods' })]: '0+60x20' },
    at: 8,
    labels: { ...INSTALLATION, resource: 'pods' },
    summary: 'maintenance-bridge has not heard of pods for 8m 0s',
    calm: { [ours('watch_staleness_seconds', { resource: 'pods' })]: '0+60x5 0+60x5 0+60x5' },
  },
  {
    alert: 'MaintenanceBridgeWatchRefused',
    series: { [ours('watch_restarts_total', { resource: 'pods', reason: 'Forbidden' })]: '0+1x40' },
    at: 11,
    labels: { ...INSTALLATION, resource: 'pods', reason: 'Forbidden' },
    summary: 'The API server does not let maintenance-bridge watch pods (Forbidden)',
    calm: {
      [ours('watch_restarts_total', { resource: 'pods', reason: 'Closed' })]: '0+1x40',
      [ours('watch_restarts_total', { resource: 'workload-nodes', reason: 'Forbidden' })]: '0+1x40',
    },
  },
  {
    alert: 'MaintenanceBridgePassesFailing',
    series: { [ours('reconcile_total', { controller: 'tmm', outcome: 'Failed' })]: '0+1x40' },
    at: 21,
    labels: { ...INSTALLATION, controller: 'tmm' },
    summary: 'Controller tmm of maintenance-bridge fails again and again',
    calm: {
      [ours('reconcile_total', { controller: 'tmm', outcome: 'Failed' })]: '0x5 3x40',
      [ours('reconcile_total', { controller: 'tmm', outcome: 'Conflict' })]: '0+1x40',
    },
  },
  {
    alert: 'MaintenanceBridgeQueueNotDraining',
    series: { [ours('queue_depth', { controller: 'capi' })]: '3x30', [ours('leader')]: '1x30' },
    at: 15,
    labels: { ...INSTALLATION, controller: 'capi' },
    summary: 'Objects wait for controller capi of maintenance-bridge (3)',
    calm: {
      [ours('queue_depth', { controller: 'capi' })]: '0x30',
      [ours('leader')]: '1x30',
      [ours('queue_depth', { controller: 'capi' }, B)]: '500x30',
      [ours('leader', {}, B)]: '0x30',
    },
  },
  {
    alert: 'MaintenanceBridgeHandlerErrors',
    series: { [ours('handler_errors_total', { resource: 'nodes' })]: ONCE },
    at: 6,
    labels: { ...INSTALLATION, resource: 'nodes' },
    summary: 'A bug in maintenance-bridge: changes of nodes were not handled',
    calm: { [ours('handler_errors_total', { resource: 'nodes' })]: '7x30' },
  },
  {
    alert: 'MaintenanceBridgeEventsDropped',
    series: { [ours('events_dropped_total', { reason: 'Overflow' })]: ONCE },
    at: 6,
    labels: { ...INSTALLATION, reason: 'Overflow' },
    summary: 'maintenance-bridge has lost Kubernetes Events (Overflow)',
    calm: { [ours('events_dropped_total', { reason: 'Overflow' })]: '7x30' },
  },
  {
    alert: 'MaintenanceBridgeDrainSlow',
    series: { [inPhase('Draining')]: passing(2700) },
    at: 3,
    labels: INSTALLATION,
    summary: 'A Node has been draining for 47m 0s',
    calm: { [inPhase('Draining')]: '0x30', [inPhase('InMaintenance')]: passing(2700) },
  },
  {
    alert: 'MaintenanceBridgePodsBlocked',
    series: { [ours('tmm_blocked_pods', { cause: 'EvictionDenied' })]: '2x30', [nodes('Draining')]: '1x30' },
    at: 15,
    labels: { ...INSTALLATION, cause: 'EvictionDenied' },
    summary: 'Pods hold up a drain: EvictionDenied (2)',
    calm: {
      // Their Node is already rejected.
      [ours('tmm_blocked_pods', { cause: 'EvictionDenied' })]: '2x30',
      [nodes('Draining')]: '0x30',
      [nodes('Rejected')]: '1x30',
    },
  },
  {
    alert: 'MaintenanceBridgeRejectionUnattended',
    series: { [inPhase('Rejected')]: passing(3600) },
    at: 3,
    labels: INSTALLATION,
    summary: 'The maintenance of a Node was rejected 1h 2m 0s ago, and the taint is still there',
    calm: { [inPhase('Rejected')]: '0+60x20 0+60x20' },
  },
  {
    alert: 'MaintenanceBridgeMachineDrainRejected',
    series: { [ours('machine_drains', { state: 'Rejected' })]: '2x60' },
    at: 30,
    labels: INSTALLATION,
    summary: 'Nodes of 2 Machines may not be drained',
    calm: { [ours('machine_drains', { state: 'Rejected' })]: '0x10 1x20 0x30' },
  },
  {
    alert: 'MaintenanceBridgePhaseOverdue',
    series: { [inPhase('Exiting')]: passing(900) },
    at: 3,
    labels: { ...INSTALLATION, phase: 'Exiting' },
    summary: 'A Node has been in phase Exiting for 17m 0s',
    calm: { [inPhase('Exiting')]: '0+60x5 0x25', [inPhase('Queued')]: passing(900) },
  },
  {
    alert: 'MaintenanceBridgeQueueStalled',
    series: {
      [inPhase('Queued')]: passing(1800),
      [nodes('Draining')]: '0x30',
      [nodes('InMaintenance')]: '0x30',
      [nodes('Exiting')]: '0x30',
    },
    at: 17,
    labels: INSTALLATION,
    summary: 'A Node has been queued for 46m 0s, though no other is in maintenance',
    calm: {
      [inPhase('Queued')]: passing(1800),
      [nodes('Draining')]: '0x30',
      [nodes('InMaintenance')]: '1x30',
      [nodes('Exiting')]: '0x30',
    },
  },
  {
    alert: 'MaintenanceBridgeMaintenanceLong',
    series: { [inPhase('InMaintenance')]: passing(86_400) },
    at: 3,
    labels: INSTALLATION,
    summary: 'A Node has been in maintenance for 1d 0h 2m 0s',
    calm: { [inPhase('InMaintenance')]: '0+60x30' },
  },
  {
    alert: 'MaintenanceBridgeHookHeld',
    series: { [ours('capi_oldest_hook_wait_seconds')]: passing(14_400) },
    at: 3,
    labels: INSTALLATION,
    summary: 'The deletion of a Machine has been held for 4h 2m 0s',
    calm: { [ours('capi_oldest_hook_wait_seconds')]: '0+60x30' },
  },
  {
    alert: 'MaintenanceBridgeHookTimedOut',
    series: { [ours('capi_hook_releases_total', { reason: 'TimedOut' })]: ONCE },
    at: 6,
    labels: INSTALLATION,
    summary: 'A Machine was let go without approval',
    calm: { [ours('capi_hook_releases_total', { reason: 'Approved' })]: ONCE },
  },
  {
    alert: 'MaintenanceBridgeHookReleasedUnapproved',
    series: { [ours('capi_hook_releases_total', { reason: 'Disabled' })]: ONCE },
    at: 6,
    labels: { ...INSTALLATION, reason: 'Disabled' },
    summary: 'A Machine was let go without approval: Disabled',
    calm: { [ours('capi_hook_releases_total', { reason: 'NodeGone' })]: ONCE },
  },
  {
    alert: 'MaintenanceBridgeWorkloadClusterUnreachable',
    series: { [connection('Unreachable')]: passing(600), [connection('Connected')]: '9000x30' },
    at: 3,
    labels: INSTALLATION,
    summary: 'A workload cluster has not been reached for 12m 0s',
    calm: { [connection('Unreachable')]: '0+60x9 0+60x9', [connection('Connected')]: passing(600) },
  },
  {
    alert: 'MaintenanceBridgeWorkloadClusterUnauthorized',
    series: { [connection('Unauthorized')]: passing(600) },
    at: 3,
    labels: INSTALLATION,
    summary: 'A workload cluster has refused our credentials for 12m 0s',
    calm: { [connection('Unreachable')]: passing(600) },
  },
  {
    alert: 'MaintenanceBridgeWorkloadClusterRefused',
    series: { [connection('Refused')]: passing(600) },
    at: 3,
    labels: INSTALLATION,
    summary: 'The kubeconfig of a workload cluster has not been usable for 12m 0s',
    calm: { [connection('Unreachable')]: passing(600) },
  },
  {
    alert: 'MaintenanceBridgeHostNotOff',
    series: { [ours('metal3_oldest_hold_seconds', { power: 'on' })]: passing(1800) },
    at: 3,
    labels: INSTALLATION,
    summary: 'Metal3 has been asked 32m 0s ago to switch a host off, and it is not seen to be off',
    calm: { [ours('metal3_oldest_hold_seconds', { power: 'off' })]: passing(1800) },
  },
  {
    alert: 'MaintenanceBridgeHostOffLong',
    series: { [ours('metal3_oldest_hold_seconds', { power: 'off' })]: passing(86_400) },
    at: 3,
    labels: INSTALLATION,
    summary: 'A host has been held off for 1d 0h 2m 0s',
    calm: { [ours('metal3_oldest_hold_seconds', { power: 'off' })]: '0+60x30' },
  },
  {
    alert: 'MaintenanceBridgeHostNotBack',
    series: { [ours('metal3_start_timeouts_total')]: ONCE },
    at: 6,
    labels: INSTALLATION,
    summary: 'A machine has not come back after its maintenance',
    calm: { [ours('metal3_start_timeouts_total')]: '7x30' },
  },
  {
    alert: 'MaintenanceBridgeHostNotSwitchedOff',
    series: { [ours('metal3_machines', { state: 'BareMetalHostMismatch' })]: '1x30' },
    at: 15,
    labels: { ...INSTALLATION, state: 'BareMetalHostMismatch' },
    summary: 'Hosts of approved Machines are not switched off: BareMetalHostMismatch (1)',
    calm: { [ours('metal3_machines', { state: 'HeldOff' })]: '1x30' },
  },
  {
    alert: 'MaintenanceBridgeMachineDeletedInMaintenance',
    series: { [ours('metal3_machines', { state: 'MachineDeletedInMaintenance' })]: '1x30' },
    at: 1,
    labels: INSTALLATION,
    summary: 'Machines are deleted while their hosts are held off (1)',
    calm: { [ours('metal3_machines', { state: 'HeldOff' })]: '1x30' },
  },
  {
    alert: 'MaintenanceBridgeHostLeft',
    series: { [ours('metal3_left_hosts', { reason: 'ConsumerUnknown' })]: '1x30' },
    at: 15,
    labels: { ...INSTALLATION, reason: 'ConsumerUnknown' },
    summary: 'Hosts stay off that no Machine wants off: ConsumerUnknown (1)',
    calm: { [ours('metal3_left_hosts', { reason: 'ConsumerUnknown' })]: '0x30' },
  },
  {
    alert: 'MaintenanceBridgeHostGateClosed',
    series: { [ours('metal3_machines', { state: 'NodeNotDrained' })]: '1x130' },
    at: 120,
    labels: { ...INSTALLATION, state: 'NodeNotDrained' },
    summary: 'Hosts wait to be switched off: NodeNotDrained (1)',
    calm: { [ours('metal3_machines', { state: 'PoweringOff' })]: '1x130' },
  },
  {
    alert: 'MaintenanceBridgeManagedClusterLost',
    series: { [ours('ramen_clusters', { state: 'Unreachable' })]: '1x30', [ours('leader')]: '1x30' },
    at: 5,
    labels: { ...INSTALLATION, state: 'Unreachable' },
    summary: 'Clusters of the Ramen hub cannot be asked: Unreachable (1)',
    calm: {
      [ours('ramen_clusters', { state: 'Connected' })]: '2x30',
      [ours('leader')]: '1x30',
      // A standby replica connects to no cluster.
      [ours('ramen_clusters', { state: 'Connecting' }, B)]: '2x30',
      [ours('leader', {}, B)]: '0x30',
    },
  },
  {
    alert: 'MaintenanceBridgeWorksFailed',
    series: { [ours('ramen_works', { state: 'Failed' })]: '2x30' },
    at: 10,
    labels: INSTALLATION,
    summary: 'ManifestWorks are not applied (2)',
    calm: { [ours('ramen_works', { state: 'Applied' })]: '9x30' },
  },
  {
    alert: 'MaintenanceBridgeWorkOrphaned',
    series: { [ours('ramen_orphaned_works')]: '1x30' },
    at: 5,
    labels: INSTALLATION,
    summary: 'ManifestWorks have outlived their application (1)',
    calm: { [ours('ramen_orphaned_works')]: '1x3 0x30' },
  },
  {
    alert: 'MaintenanceBridgeMaintenanceModeFailed',
    series: { [ours('ramen_maintenance_modes', { state: 'TimedOut' })]: '1x30' },
    at: 1,
    labels: { ...INSTALLATION, state: 'TimedOut' },
    summary: 'A MaintenanceMode is not reached: TimedOut (1)',
    calm: { [ours('ramen_maintenance_modes', { state: 'WaitingForPods' })]: '1x30' },
  },
];
