{{- /* Generated from the code by `npm run docs`. */ -}}

{{- define "maintenance-bridge.rules.tmm.cluster" -}}
# taints that request maintenance
- apiGroups: [""]
  resources: ["nodes"]
  verbs: ["list", "watch"]
# the report and the conditions
- apiGroups: [""]
  resources: ["nodes/status"]
  verbs: ["patch"]
# checking related Pods, and annotating them when a request is rejected
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["list", "watch", "patch"]
# draining
- apiGroups: [""]
  resources: ["pods/eviction"]
  verbs: ["create"]
# the number of members that owners want, and quorum without a budget
- apiGroups: ["apps"]
  resources: ["statefulsets", "replicasets", "daemonsets"]
  verbs: ["list", "watch"]
# the number of members that owners want
- apiGroups: [""]
  resources: ["replicationcontrollers"]
  verbs: ["list", "watch"]
# the number of members that owners want, and Jobs that an eviction would fail permanently
- apiGroups: ["batch"]
  resources: ["jobs"]
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

{{- define "maintenance-bridge.rules.tmm.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.tmm.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.tmm.namespaceSelectors.cluster" -}}
# namespace selectors of the settings
- apiGroups: [""]
  resources: ["namespaces"]
  verbs: ["list", "watch"]
{{ end }}

{{- define "maintenance-bridge.rules.tmm.namespaceSelectors.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.tmm.namespaceSelectors.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.tmm.recreate.cluster" -}}
# Pods without a controller come back
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["get", "create"]
{{ end }}

{{- define "maintenance-bridge.rules.tmm.recreate.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.tmm.recreate.own" -}}
# Pods without a controller are stored until they come back
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get", "list", "watch", "create", "update", "delete"]
{{ end }}

{{- define "maintenance-bridge.rules.tmm.cordon.cluster" -}}
# spec.unschedulable
- apiGroups: [""]
  resources: ["nodes"]
  verbs: ["patch"]
{{ end }}

{{- define "maintenance-bridge.rules.tmm.cordon.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.tmm.cordon.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.clusterApi.cluster" -}}
{{ end }}

{{- define "maintenance-bridge.rules.clusterApi.watched" -}}
# the pre-drain hook and the maintenance label
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["machines"]
  verbs: ["list", "watch", "patch"]
# paused and deleted Clusters; the Nodes by which a workload cluster is recognised
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["clusters"]
  verbs: ["list", "watch", "patch"]
# kubeconfigs of workload clusters, read by names that a rule cannot express
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get"]
# Events on Machines and Clusters
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
{{ end }}

{{- define "maintenance-bridge.rules.clusterApi.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.machineDrain.cluster" -}}
{{ end }}

{{- define "maintenance-bridge.rules.machineDrain.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.machineDrain.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.metal3.cluster" -}}
{{ end }}

{{- define "maintenance-bridge.rules.metal3.watched" -}}
# the reboot annotation
- apiGroups: ["metal3.io"]
  resources: ["baremetalhosts"]
  verbs: ["list", "watch", "patch"]
# approved maintenance, and preventing remediation by a MachineHealthCheck
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["machines"]
  verbs: ["list", "watch", "patch"]
# paused Clusters
- apiGroups: ["cluster.x-k8s.io"]
  resources: ["clusters"]
  verbs: ["list", "watch"]
# Events on Machines and BareMetalHosts
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
{{ end }}

{{- define "maintenance-bridge.rules.metal3.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenMaintenanceMode.cluster" -}}
# Events on works, views and MaintenanceModes
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
# the request to the storage, the finalizer and the record
- apiGroups: ["ramendr.openshift.io"]
  resources: ["maintenancemodes"]
  verbs: ["list", "watch", "patch"]
# the status of MaintenanceModes
- apiGroups: ["ramendr.openshift.io"]
  resources: ["maintenancemodes/status"]
  verbs: ["patch"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenMaintenanceMode.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenMaintenanceMode.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenMaintenanceMode.scale.cluster" -}}
# workloads that are scaled to zero
- apiGroups: ["apps"]
  resources: ["deployments", "statefulsets", "replicasets"]
  verbs: ["get", "list", "watch", "patch"]
# whether Pods of these workloads are left
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["list", "watch"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenMaintenanceMode.scale.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenMaintenanceMode.scale.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.cluster" -}}
# the identity of the cluster
- apiGroups: [""]
  resources: ["namespaces"]
  resourceNames: ["kube-system"]
  verbs: ["get"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.hub.cluster" -}}
# Events on works, views and MaintenanceModes
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create"]
# works whose application is gone
- apiGroups: ["ramendr.openshift.io"]
  resources: ["drplacementcontrols"]
  verbs: ["get", "list", "watch"]
# one bridge per cluster: creating the Lease, which a rule cannot limit to a name
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
# one bridge per cluster, and the identity of that cluster
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: ["maintenance-bridge-ramen"]
  verbs: ["get", "update", "patch"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.hub.watched" -}}
# the manifests to apply, and the finalizer
- apiGroups: ["work.open-cluster-management.io"]
  resources: ["manifestworks"]
  verbs: ["list", "watch", "patch"]
# the status of works
- apiGroups: ["work.open-cluster-management.io"]
  resources: ["manifestworks/status"]
  verbs: ["patch"]
# the requested objects
- apiGroups: ["view.open-cluster-management.io"]
  resources: ["managedclusterviews"]
  verbs: ["list", "watch"]
# the status of views
- apiGroups: ["view.open-cluster-management.io"]
  resources: ["managedclusterviews/status"]
  verbs: ["patch"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.hub.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.standIns.cluster" -}}
# the ManagedClusters that Ramen waits for
- apiGroups: ["cluster.open-cluster-management.io"]
  resources: ["managedclusters"]
  verbs: ["get", "list", "watch", "create"]
# the connection and the identity of a cluster
- apiGroups: ["cluster.open-cluster-management.io"]
  resources: ["managedclusters/status"]
  verbs: ["patch"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.standIns.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.standIns.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.secrets.cluster" -}}
# kubeconfigs of the clusters, and their changes; Secrets to copy
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: {{ include "maintenance-bridge.ramenSecrets" . }}
  verbs: ["get", "list", "watch"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.secrets.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.secrets.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.policies.cluster" -}}
# Policies of Ramen, and the clusters that they are bound to
- apiGroups: ["policy.open-cluster-management.io", "apps.open-cluster-management.io"]
  resources: ["policies", "placementbindings", "placementrules"]
  verbs: ["list"]
# Secrets that Policies of Ramen name
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["get"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.policies.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.policies.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.pull.cluster" -}}
# objects of Ramen’s works
- apiGroups: ["ramendr.openshift.io"]
  resources: ["volumereplicationgroups", "maintenancemodes", "drclusterconfigs", "recipes"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# objects of Ramen’s works (Metro DR)
- apiGroups: ["csiaddons.openshift.io"]
  resources: ["networkfences"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# Namespaces of protected applications
- apiGroups: [""]
  resources: ["namespaces"]
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
# the ClusterRoles of the work ramen-dr-cluster, which grant rights that we may not have
- apiGroups: ["rbac.authorization.k8s.io"]
  resources: ["clusterroles"]
  verbs: ["get", "list", "watch", "create", "patch", "delete", "escalate"]
# views
- apiGroups: ["storage.k8s.io"]
  resources: ["storageclasses"]
  verbs: ["get", "list", "watch"]
# views
- apiGroups: ["snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io"]
  resources: ["volumesnapshotclasses", "volumegroupsnapshotclasses"]
  verbs: ["get", "list", "watch"]
# views
- apiGroups: ["replication.storage.openshift.io", "csiaddons.openshift.io"]
  resources: ["volumereplicationclasses", "volumegroupreplicationclasses", "networkfenceclasses"]
  verbs: ["get", "list", "watch"]
# views, and kinds that are installed later
- apiGroups: ["apiextensions.k8s.io"]
  resources: ["customresourcedefinitions"]
  verbs: ["get", "list", "watch"]
# whether a klusterlet runs on the cluster
- apiGroups: ["work.open-cluster-management.io"]
  resources: ["appliedmanifestworks"]
  verbs: ["list", "watch"]
# the kubeconfig of the hub
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: {{ include "maintenance-bridge.ramenHubSecret" . }}
  verbs: ["get"]
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.pull.watched" -}}
{{ end }}

{{- define "maintenance-bridge.rules.ramenBridge.pull.own" -}}
{{ end }}

{{- define "maintenance-bridge.rules.leaderElection" -}}
# leader election: creating the Lease, which a rule cannot limit to a name
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["create"]
# leader election
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  resourceNames: ["{{ include `maintenance-bridge.leaseName` . }}"]
  verbs: ["get", "update"]
{{ end }}

{{- define "maintenance-bridge.features" -}}
- {"value":"tmm","section":["tmm"],"variants":["namespaceSelectors","recreate","cordon"]}
- {"value":"clusterApi","section":["capi"],"variants":[]}
- {"value":"machineDrain","section":["capi","drain"],"variants":[]}
- {"value":"metal3","section":["metal3"],"variants":[]}
- {"value":"ramenMaintenanceMode","section":["ramen","maintenanceMode"],"variants":["scale"],"role":"ramen-maintenance-mode"}
- {"value":"ramenBridge","section":["ramen","bridge"],"variants":["hub","standIns","secrets","policies","pull"],"role":"ramen-bridge"}
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
tmm-no-room: config.tmm.noRoom
tmm-final-jobs: config.tmm.finalJobs
tmm-honour-do-not-evict: config.tmm.honourDoNotEvict
tmm-honour-other-tools: config.tmm.honourOtherTools
tmm-unmanaged-pods: config.tmm.unmanagedPods
tmm-cordon: config.tmm.cordon
tmm-max-concurrent-nodes: config.tmm.maxConcurrentNodes
tmm-quorum: config.tmm.quorum
tmm-admission-timeout: config.tmm.admissionTimeout
tmm-drain-timeout: config.tmm.drainTimeout
tmm-exit-timeout: config.tmm.exitTimeout
tmm-skip-wait-for-delete-timeout: config.tmm.skipWaitForDeleteTimeout
tmm-max-parallel-evictions: config.tmm.maxParallelEvictions
enable-capi: features.clusterApi.enabled
capi-require-node-label: config.capi.requireNodeLabel
capi-hook-timeout: config.capi.hookTimeout
capi-allowed-proxies: config.capi.allowedProxies
capi-allow-insecure-tls: config.capi.allowInsecureTLS
capi-stale-approvals: config.capi.staleApprovals
enable-machine-drain: features.machineDrain.enabled
capi-drain-max-unavailable: config.capi.drain.maxUnavailable
capi-drain-max-concurrent-machines: config.capi.drain.maxConcurrentMachines
capi-drain-window-days: config.capi.drain.window.days
capi-drain-window-start: config.capi.drain.window.start
capi-drain-window-end: config.capi.drain.window.end
capi-drain-window-time-zone: config.capi.drain.window.timeZone
enable-metal3-maintenance: features.metal3.enabled
metal3-reboot-mode: config.metal3.rebootMode
metal3-require-drained: config.metal3.requireDrained
metal3-staying-pods: config.metal3.stayingPods
metal3-wait-for-volume-detach: config.metal3.waitForVolumeDetach
metal3-start-timeout: config.metal3.startTimeout
enable-ramen-maintenance-mode: features.ramenMaintenanceMode.enabled
enable-ramen-bridge: features.ramenBridge.enabled
{{ end }}

{{- define "maintenance-bridge.writes.tmm" -}}
nodes: {"annotations":["maintenance-bridge.io/tmm"],"conditions":["MaintenancePlanned","MaintenanceInProgress","DrainInProgress","Drained"]}
pods: {"annotations":["maintenance-bridge.io/tmm-rejection"]}
{{ end }}

{{- define "maintenance-bridge.writes.tmm.namespaceSelectors" -}}
{{ end }}

{{- define "maintenance-bridge.writes.tmm.recreate" -}}
{{ end }}

{{- define "maintenance-bridge.writes.tmm.cordon" -}}
nodes: {"annotations":["maintenance-bridge.io/tmm-cordoned"],"spec":["unschedulable"]}
{{ end }}

{{- define "maintenance-bridge.writes.clusterApi" -}}
machines.cluster.x-k8s.io: {"annotations":["pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller","maintenance-bridge.io/hook-timer","maintenance-bridge.io/hook-released","maintenance-bridge.io/stale-approve-deletion","maintenance-bridge.io/stale-approve-maintenance"],"labels":["runtime-extension-maintenance-controller.cloud.sap/maintenance"]}
clusters.cluster.x-k8s.io: {"annotations":["maintenance-bridge.io/known-nodes"]}
{{ end }}

{{- define "maintenance-bridge.writes.machineDrain" -}}
machines.cluster.x-k8s.io: {"annotations":["maintenance-bridge.io/drain"]}
{{ end }}

{{- define "maintenance-bridge.writes.metal3" -}}
machines.cluster.x-k8s.io: {"annotations":["cluster.x-k8s.io/skip-remediation","maintenance-bridge.io/skip-remediation"]}
baremetalhosts.metal3.io: {"annotations":["reboot.metal3.io/runtime-extension-maintenance-controller","maintenance-bridge.io/metal3-power"]}
{{ end }}

{{- define "maintenance-bridge.writes.ramenMaintenanceMode" -}}
maintenancemodes.ramendr.openshift.io: {"annotations":["maintenance-bridge.io/maintenance-mode"],"finalizers":["maintenance-bridge.io/maintenance-mode"],"status":["state","observedGeneration","conditions"]}
{{ end }}

{{- define "maintenance-bridge.writes.ramenMaintenanceMode.scale" -}}
deployments.apps: {"annotations":["maintenance-bridge.io/former-replicas"],"spec":["replicas"]}
statefulsets.apps: {"annotations":["maintenance-bridge.io/former-replicas"],"spec":["replicas"]}
replicasets.apps: {"annotations":["maintenance-bridge.io/former-replicas"],"spec":["replicas"]}
{{ end }}

{{- define "maintenance-bridge.writes.ramenBridge" -}}
{{ end }}

{{- define "maintenance-bridge.writes.ramenBridge.hub" -}}
manifestworks.work.open-cluster-management.io: {"finalizers":["maintenance-bridge.io/manifest-work"],"status":["conditions","resourceStatus"]}
managedclusterviews.view.open-cluster-management.io: {"status":["conditions","result"]}
{{ end }}

{{- define "maintenance-bridge.writes.ramenBridge.standIns" -}}
managedclusters.cluster.open-cluster-management.io: {"status":["conditions","clusterClaims"]}
{{ end }}

{{- define "maintenance-bridge.writes.ramenBridge.secrets" -}}
{{ end }}

{{- define "maintenance-bridge.writes.ramenBridge.policies" -}}
{{ end }}

{{- define "maintenance-bridge.writes.ramenBridge.pull" -}}
{{ end }}

{{- define "maintenance-bridge.taintOfPreset" -}}
default: "drain=planned-downtime:NoSchedule"
vmware: "node.vmware.com/drain=planned-downtime:NoSchedule"
dell: "node.dell.com/drain=planned-downtime:NoSchedule"
{{ end }}

{{- define "maintenance-bridge.timeouts" -}}
admissionTimeout: "60s"
drainTimeout: "1h"
exitTimeout: "5m"
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
