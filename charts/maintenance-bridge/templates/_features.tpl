{{- /* The parts of the program that run: features, and the variants of their settings. _generated.tpl lists them. */ -}}

{{- /* The values of the features that are enabled, each followed by the variants of its settings that apply: `tmm`, `tmm.recreate`. */ -}}
{{- define "maintenance-bridge.parts" -}}
{{- range $feature := include "maintenance-bridge.features" . | fromYamlArray }}
{{- if (get $.Values.features $feature.value).enabled }}
- {{ $feature.value }}
{{- range $feature.variants }}
{{- $part := printf "%s.%s" $feature.value . }}
{{- if include (printf "maintenance-bridge.has.%s" $part) $ }}
- {{ $part }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Namespaces are read only if a selector of the settings needs their labels. */ -}}
{{- define "maintenance-bridge.has.tmm.namespaceSelectors" -}}
{{- $selections := concat (dig "tmm" "pods" list (default dict .Values.config)) (dig "tmm" "selfMovingWorkloads" list (default dict .Values.config)) }}
{{- range $selections }}{{ if hasKey . "namespaceSelector" }}true{{ end }}{{ end }}
{{- end }}

{{- define "maintenance-bridge.has.tmm.recreate" -}}
{{- if eq (dig "tmm" "unmanagedPods" "reject" (default dict .Values.config)) "recreate" }}true{{ end }}
{{- end }}

{{- /* `auto` needs it if a workload of the list reacts to a cordon; the default list has such workloads. */ -}}
{{- define "maintenance-bridge.has.tmm.cordon" -}}
{{- $tmm := dig "tmm" dict (default dict .Values.config) }}
{{- $cordon := dig "cordon" "auto" $tmm | toString }}
{{- if has $cordon (list "always" "true") }}true
{{- else if eq $cordon "auto" }}
{{- if hasKey $tmm "selfMovingWorkloads" }}{{ range $tmm.selfMovingWorkloads }}{{ if dig "needsCordon" false . }}true{{ end }}{{ end }}
{{- else }}true{{ end }}
{{- end }}
{{- end }}

{{- define "maintenance-bridge.has.ramenMaintenanceMode.scale" -}}
{{- range dig "ramen" "maintenanceMode" "providers" list (default dict .Values.config) }}{{ if .scaleToZero }}true{{ end }}{{ end }}
{{- end }}

{{- define "maintenance-bridge.has.ramenBridge.pull" -}}
{{- if dig "ramen" "bridge" "hub" "kubeconfigSecret" dict (default dict .Values.config) }}true{{ end }}
{{- end }}

{{- define "maintenance-bridge.has.ramenBridge.hub" -}}
{{- if not (include "maintenance-bridge.has.ramenBridge.pull" .) }}true{{ end }}
{{- end }}

{{- define "maintenance-bridge.has.ramenBridge.standIns" -}}
{{- if and (include "maintenance-bridge.has.ramenBridge.hub" .) (dig "ramen" "bridge" "managedClusters" true (default dict .Values.config)) }}true{{ end }}
{{- end }}

{{- define "maintenance-bridge.has.ramenBridge.policies" -}}
{{- if and (include "maintenance-bridge.has.ramenBridge.hub" .) (dig "ramen" "bridge" "secretPolicies" false (default dict .Values.config)) }}true{{ end }}
{{- end }}

{{- define "maintenance-bridge.has.ramenBridge.secrets" -}}
{{- if and (include "maintenance-bridge.has.ramenBridge.hub" .) (ne (include "maintenance-bridge.ramenSecrets" .) "[]") }}true{{ end }}
{{- end }}

{{- /* Names of the Secrets that the bridge reads on the hub, as JSON. */ -}}
{{- define "maintenance-bridge.ramenSecrets" -}}
{{- $names := list }}
{{- range dig "ramen" "bridge" "clusters" list (default dict .Values.config) }}
{{- $names = append $names (dig "kubeconfigSecret" "name" (printf "%s-kubeconfig" .name) .) }}
{{- end }}
{{- range dig "ramen" "bridge" "copySecrets" list (default dict .Values.config) }}
{{- $names = append $names .from.name }}
{{- end }}
{{- $names | uniq | sortAlpha | toJson }}
{{- end }}

{{- define "maintenance-bridge.ramenHubSecret" -}}
{{- list .Values.config.ramen.bridge.hub.kubeconfigSecret.name | toJson }}
{{- end }}

{{- /* Whether a part applies. Takes `root` and the `part`. */ -}}
{{- define "maintenance-bridge.hasPart" -}}
{{- if has .part (include "maintenance-bridge.parts" .root | fromYamlArray) }}true{{ end }}
{{- end }}
