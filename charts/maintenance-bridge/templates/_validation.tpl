{{- /* Checks that no schema can express: combinations of values that are each valid but invalid together. */ -}}
{{- define "maintenance-bridge.validate" -}}
{{- $values := .Values }}
{{- if and (gt (int $values.replicaCount) 1) (not $values.leaderElection.enabled) }}
{{- fail "replicaCount: wanted at most 1 while leaderElection.enabled is false, since all replicas would act at once" }}
{{- end }}
{{- if not (include "maintenance-bridge.parts" .) }}
{{- fail "features.tmm.enabled: wanted true while nothing else is enabled, found false" }}
{{- end }}
{{- if and $values.features.machineDrain.enabled (not $values.features.clusterApi.enabled) }}
{{- fail "features.machineDrain.enabled: wanted false while features.clusterApi.enabled is false, since it works over its connections" }}
{{- end }}
{{- if and (hasKey (dig "capi" dict (default dict $values.config)) "drain") (not (kindIs "map" $values.config.capi.drain)) }}
{{- fail "config.capi.drain: wanted a mapping, since features.machineDrain.enabled switches it on and off" }}
{{- end }}
{{- if and $values.features.metal3.enabled (not $values.features.clusterApi.enabled) }}
{{- range list "requireDrained" "waitForVolumeDetach" }}
{{- if dig "metal3" . false (default dict $values.config) }}
{{- fail (printf "config.metal3.%s: wanted false while features.clusterApi.enabled is false, since its connections ask the Node" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- include "maintenance-bridge.validateRamen" . }}
{{- $tmm := default dict (default dict $values.config).tmm }}
{{- if and (or (hasKey $tmm "taints") (hasKey $tmm "presets")) (not $tmm.taints) (not $tmm.presets) }}
{{- fail "config.tmm.taints: wanted at least one taint or preset, found none" }}
{{- end }}
{{- with $values.admissionPolicy }}
{{- if and (has "Deny" .validationActions) (has "Warn" .validationActions) }}
{{- fail "admissionPolicy.validationActions: wanted Deny or Warn, found both; what is denied is told anyway" }}
{{- end }}
{{- end }}
{{- if eq (int $values.containerPorts.metrics) (int $values.containerPorts.health) }}
{{- fail (printf "containerPorts.health: wanted another port than containerPorts.metrics, found %v for both" $values.containerPorts.health) }}
{{- end }}
{{- include "maintenance-bridge.validateNetworkPolicy" . }}
{{- include "maintenance-bridge.validateLease" . }}
{{- include "maintenance-bridge.validateBudget" . }}
{{- include "maintenance-bridge.validateMonitoring" . }}
{{- include "maintenance-bridge.validateOneSource" . }}
{{- end }}

{{- define "maintenance-bridge.validateRamen" -}}
{{- $bridge := dig "ramen" "bridge" dict (default dict .Values.config) }}
{{- if and (dig "hub" "kubeconfigSecret" dict $bridge) (ne (len (default list $bridge.clusters)) 1) }}
{{- fail (printf "config.ramen.bridge.clusters: wanted exactly one cluster, this one, where hub.kubeconfigSecret is set, found %d" (len (default list $bridge.clusters))) }}
{{- end }}
{{- range $index, $provider := dig "ramen" "maintenanceMode" "providers" list (default dict .Values.config) }}
{{- if not (or $provider.scaleToZero $provider.annotate) }}
{{- fail (printf "config.ramen.maintenanceMode.providers[%d]: wanted at least one entry in scaleToZero or annotate, found none" $index) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Rules of a NetworkPolicy are additive: if one list leaves a port open, the other cannot close it. */ -}}
{{- define "maintenance-bridge.validateNetworkPolicy" -}}
{{- with .Values.networkPolicy }}
{{- if and .enabled (or $.Values.features.clusterApi.enabled $.Values.features.ramenBridge.enabled) (ne (empty .apiServerCIDRs) (empty .workloadClusterCIDRs)) }}
{{- $empty := ternary "apiServerCIDRs" "workloadClusterCIDRs" (empty .apiServerCIDRs) }}
{{- $set := ternary "workloadClusterCIDRs" "apiServerCIDRs" (empty .apiServerCIDRs) }}
{{- $workloadPorts := list }}
{{- range .workloadClusterPorts }}{{ $workloadPorts = append $workloadPorts (int .) }}{{ end }}
{{- range .apiServerPorts }}
{{- if has (int .) $workloadPorts }}
{{- fail (printf "networkPolicy.%s: wanted ranges of addresses while %s has some and both use port %d, found none; it would open that port to any address" $empty $set (int .)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Otherwise the new Pods would exit with code 2, one after another. */ -}}
{{- define "maintenance-bridge.validateLease" -}}
{{- with .Values.leaderElection }}
{{- $milliseconds := list }}
{{- range list .leaseDuration .renewDeadline .retryPeriod }}
{{- $milliseconds = append $milliseconds (include "maintenance-bridge.milliseconds" . | int64) }}
{{- end }}
{{- if or (le (index $milliseconds 0) (index $milliseconds 1)) (le (index $milliseconds 1) (index $milliseconds 2)) }}
{{- fail (printf "leaderElection: wanted leaseDuration above renewDeadline above retryPeriod, found %s, %s and %s" .leaseDuration .renewDeadline .retryPeriod) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A budget that can never allow an eviction would block the maintenance of every Node that the bridge runs on. */ -}}
{{- define "maintenance-bridge.validateBudget" -}}
{{- with .Values.podDisruptionBudget }}
{{- if .enabled }}
{{- $least := toString (default "" .minAvailable) }}
{{- $replicas := int $.Values.replicaCount }}
{{- /* Kubernetes rounds percentages up. */ -}}
{{- $kept := ternary (div (add (mul $replicas (trimSuffix "%" $least | int)) 99) 100) (int64 $least) (hasSuffix "%" $least) }}
{{- if and $least (gt $replicas 0) (ge (int $kept) $replicas) }}
{{- fail (printf "podDisruptionBudget.minAvailable: wanted less than all of %d replicas, found %s; the Pods could never be evicted" $replicas $least) }}
{{- end }}
{{- if and (not $least) (has (toString .maxUnavailable) (list "0" "0%" "<nil>")) }}
{{- fail (printf "podDisruptionBudget.maxUnavailable: wanted more than 0, found %s; the Pods could never be evicted" (ternary "nothing" (toString .maxUnavailable) (kindIs "invalid" .maxUnavailable))) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The Prometheus operator would silently ignore such a ServiceMonitor. */ -}}
{{- define "maintenance-bridge.validateMonitoring" -}}
{{- with .Values.serviceMonitor }}
{{- if gt (include "maintenance-bridge.milliseconds" .scrapeTimeout | int64) (include "maintenance-bridge.milliseconds" .interval | int64) }}
{{- fail (printf "serviceMonitor.scrapeTimeout: wanted at most serviceMonitor.interval, %s, found %s" .interval .scrapeTimeout) }}
{{- end }}
{{- end }}
{{- $known := list }}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups }}{{ range .rules }}{{ $known = append $known .alert }}{{ end }}{{ end }}
{{- range .Values.prometheusRule.disabledAlerts }}
{{- if not (has . $known) }}
{{- fail (printf "prometheusRule.disabledAlerts: wanted names of alerts in files/alerts.yaml, found %s" .) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The RBAC rules and the probes would not follow settings that bypass the values. */ -}}
{{- define "maintenance-bridge.validateOneSource" -}}
{{- $valueOfFlag := include "maintenance-bridge.valueOfFlag" . | fromYaml }}
{{- range $argument := .Values.extraArgs }}
{{- $flag := index (splitList "=" $argument) 0 }}
{{- with get $valueOfFlag (trimPrefix "--" $flag) }}
{{- fail (printf "extraArgs: %s is set by the value %s" $flag .) }}
{{- end }}
{{- end }}
{{- range $entry := .Values.extraEnv }}
{{- if hasPrefix "MAINTENANCE_BRIDGE_" $entry.name }}
{{- with get $valueOfFlag ($entry.name | trimPrefix "MAINTENANCE_BRIDGE_" | replace "_" "-" | lower) }}
{{- fail (printf "extraEnv: %s is set by the value %s" $entry.name .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
