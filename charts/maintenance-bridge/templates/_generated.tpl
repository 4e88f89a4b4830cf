{{- /* Generated from the code by `npm run docs`. */ -}}

{{- define "maintenance-bridge.rules.tmm" -}}
# taints ask for maintenance
- apiGroups: [""]
  resources: ["nodes"]
  verbs: ["list", "watch"]
# the report and the conditions
- apiGroups: [""]
  resources: ["nodes/status"]
  verbs: ["patch"]
# related Pods are judged and told of a rejection
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["list", "watch", "patch"]
# draining
- apiGroups: [""]
  resources: ["pods/eviction"]
  verbs: ["create"]
# quorum without a budget
- apiGroups: ["apps"]
  resources: ["statefulsets"]
  verbs: ["list", "watch"]
# the verdict, and waiting for budgets
- apiGroups: ["policy"]
  resources: ["poddisruptionbudgets"]
  verbs: ["list", "watch"]
# whether Pods with volumes fit elsewhere
- apiGroups: ["storage.k8s.io"]
  resources: ["storageclasses", "csinodes"]
  verbs: ["list", "watch"]
# a Pod with a local volume is pinned to its Node
- apiGroups: [""]
  resources: ["persistentvolumeclaims", "persistentvolumes"]
  verbs: ["list", "watch"]
# Events on the Node
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
{{ end }}

{{- define "maintenance-bridge.rules.tmm.namespaceSelectors" -}}
# namespace selectors of the settings
- apiGroups: [""]
  resources: ["namespaces"]
  verbs: ["list", "watch"]
{{ end }}

{{- define "maintenance-bridge.rules.tmm.recreate" -}}
# Pods without a controller come back
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["get", "create"]
{{ end }}

{{- define "maintenance-bridge.rules.tmm.cordon" -}}
# spec.unschedulable
- apiGroups: [""]
  resources: ["nodes"]
  verbs: ["patch"]
{{ end }}

{{- define "maintenance-bridge.rules.clusterApi" -}}
# the pre-drain hook and the maintenance label
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["machines"]
  verbs: ["list", "watch", "patch"]
# a Cluster that is paused or being deleted
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["clusters"]
  verbs: ["list", "watch"]
# kubeconfigs of workload clusters, each read by a name that a rule cannot express
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get"]
# Events on Machines and Clusters
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
{{ end }}

{{- define "maintenance-bridge.rules.metal3" -}}
# the reboot annotation
- apiGroups: ["metal3.io"]
  resources: ["baremetalhosts"]
  verbs: ["list", "watch", "patch"]
# approved maintenance, and keeping a MachineHealthCheck away
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["machines"]
  verbs: ["list", "watch", "patch"]
# a Cluster that is paused
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["clusters"]
  verbs: ["list", "watch"]
# Events on Machines and BareMetalHosts
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
{{ end }}

{{- define "maintenance-bridge.rules.leaderElection" -}}
# leader election, the first time; no rule can name what is not there yet
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
# leader election
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: ["{{ include `maintenance-bridge.leaseName` . }}"]
  verbs: ["get", "update"]
{{ end }}

{{- define "maintenance-bridge.rules.storedPods" -}}
# Pods without a controller are stored until they come back
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get", "list", "watch", "create", "update", "delete"]
{{ end }}

{{- define "maintenance-bridge.valueOfFlag" -}}
config: config
namespace: config.namespaces
dry-run: config.dryRun
leader-elect: leaderElection.enabled
leader-election-namespace: namespaceOverride
leader-election-id: leaderElection.id
leader-elect-lease-duration: leaderElection.leaseDuration
leader-elect-renew-deadline: leaderElection.renewDeadline
leader-elect-retry-period: leaderElection.retryPeriod
metrics-bind-address: containerPorts.metrics
health-probe-bind-address: containerPorts.health
log-level: logLevel
log-format: logFormat
enable-tmm: features.tmm.enabled
tmm-preset: config.tmm.presets
tmm-tolerating-pods: config.tmm.toleratingPods
tmm-daemon-set-pods: config.tmm.daemonSetPods
tmm-empty-dir: config.tmm.emptyDir
tmm-honour-do-not-evict: config.tmm.honourDoNotEvict
tmm-unmanaged-pods: config.tmm.unmanagedPods
tmm-cordon: config.tmm.cordon
tmm-max-concurrent-nodes: config.tmm.maxConcurrentNodes
tmm-quorum: config.tmm.quorum
tmm-admission-timeout: config.tmm.admissionTimeout
tmm-drain-timeout: config.tmm.drainTimeout
tmm-exit-timeout: config.tmm.exitTimeout
tmm-max-parallel-evictions: config.tmm.maxParallelEvictions
enable-capi: features.clusterApi.enabled
capi-require-node-label: config.capi.requireNodeLabel
capi-hook-timeout: config.capi.hookTimeout
enable-metal3-maintenance: features.metal3.enabled
metal3-reboot-mode: config.metal3.rebootMode
metal3-require-drained: config.metal3.requireDrained
metal3-wait-for-volume-detach: config.metal3.waitForVolumeDetach
metal3-start-timeout: config.metal3.startTimeout
{{ end }}

{{- define "maintenance-bridge.taintOfPreset" -}}
default: drain=planned-downtime:NoSchedule
vmware: node.vmware.com/drain=planned-downtime:NoSchedule
dell: node.dell.com/drain=planned-downtime:NoSchedule
{{ end }}

{{- define "maintenance-bridge.timeouts" -}}
admissionTimeout: 60s
drainTimeout: 1h
exitTimeout: 5m
{{ end }}

{{- define "maintenance-bridge.writes.tmm" -}}
nodes: {"annotations":["maintenance-bridge.io/tmm"],"conditions":["MaintenanceInProgress","DrainInProgress","Drained"]}
pods: {"annotations":["maintenance-bridge.io/tmm-rejection"]}
{{ end }}

{{- define "maintenance-bridge.writes.tmm.cordon" -}}
nodes: {"annotations":["maintenance-bridge.io/tmm-cordoned"],"spec":["unschedulable"]}
{{ end }}

{{- define "maintenance-bridge.writes.clusterApi" -}}
machines.cluster.x-k8s.io: {"annotations":["pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller"],"labels":["runtime-extension-maintenance-controller.cloud.sap/maintenance"]}
{{ end }}

{{- define "maintenance-bridge.writes.metal3" -}}
machines.cluster.x-k8s.io: {"annotations":["cluster.x-k8s.io/skip-remediation","maintenance-bridge.io/skip-remediation"]}
baremetalhosts.metal3.io: {"annotations":["reboot.metal3.io/runtime-extension-maintenance-controller","maintenance-bridge.io/metal3-power"]}
{{ end }}

{{- define "maintenance-bridge.rejection" -}}
annotation: "emm-failure"
ofPreset: {"vmware":"appplatform.vmware.com/emm-failure"}
suffix: "-message"
reasons: ["GenericFailure","NotEnoughResources","TooManyExistingFailures"]
{{ end }}

{{- define "maintenance-bridge.storedPod" -}}
type: "maintenance-bridge.io/pod"
prefix: "tmm-pod-"
{{ end }}
