{{- define "maintenance-bridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /*
The name of every object. It is truncated, since labels and names of Services have at most 63 characters; the name of a release may contain
dots, that of a Service may not.
*/ -}}
{{- define "maintenance-bridge.fullname" -}}
{{- $release := replace "." "-" .Release.Name }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "maintenance-bridge.name" .) $release }}
{{- $release | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" $release (include "maintenance-bridge.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "maintenance-bridge.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "maintenance-bridge.serviceAccountName" -}}
{{- default (ternary (include "maintenance-bridge.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- /* Must not change during the lifetime of a release: a Deployment's selector cannot be changed. */ -}}
{{- define "maintenance-bridge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "maintenance-bridge.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: controller
{{- end }}

{{- /* Labels of the objects, but not of the Pods: an upgrade that changes only the chart's version must not replace Pods. */ -}}
{{- define "maintenance-bridge.labels" -}}
{{- $labels := include "maintenance-bridge.selectorLabels" . | fromYaml }}
{{- $_ := set $labels "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service }}
{{- $_ := set $labels "app.kubernetes.io/part-of" "maintenance-bridge" }}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- mergeOverwrite (deepCopy (default dict .Values.commonLabels)) $labels | toYaml }}
{{- end }}

{{- /* Takes a list of the root and of labels of a single object, which take precedence. */ -}}
{{- define "maintenance-bridge.labelsWith" -}}
{{- mergeOverwrite (include "maintenance-bridge.labels" (first .) | fromYaml) (default dict (last .)) | toYaml }}
{{- end }}

{{- define "maintenance-bridge.leaseName" -}}
{{- default (include "maintenance-bridge.fullname" .) .Values.leaderElection.id }}
{{- end }}

{{- /*
A published chart has the digest of its image in an annotation, which is used if no value names another image. It is not the
default of a value, since `helm upgrade --reuse-values` keeps the defaults of the previous chart, and would run the old image.
*/ -}}
{{- define "maintenance-bridge.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry }}
{{- $tag := default .Chart.AppVersion .Values.image.tag }}
{{- $digest := .Values.image.digest }}
{{- if not (or $digest .Values.image.tag) }}
{{- $digest = index .Chart.Annotations "maintenance-bridge.io/image-digest" }}
{{- end }}
{{- if $registry }}{{ $registry }}/{{ end }}{{ .Values.image.repository }}:{{ $tag }}{{ with $digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "maintenance-bridge.imagePullSecrets" -}}
{{- $references := list }}
{{- range .Values.global.imagePullSecrets }}
{{- $references = append $references (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- if $references }}{{ toYaml $references }}{{ end }}
{{- end }}

{{- /* The file of `run --config`: `config`, and the keys that have separate values. */ -}}
{{- define "maintenance-bridge.configuration" -}}
{{- $config := deepCopy (default dict .Values.config) }}
{{- $_ := set $config "apiVersion" "maintenance-bridge.io/v1alpha1" }}
{{- $_ := set $config "kind" "BridgeConfiguration" }}
{{- $_ := set $config "leaderElection" (merge (dict "id" (include "maintenance-bridge.leaseName" .)) .Values.leaderElection) }}
{{- $_ := set $config "metrics" (dict "bindAddress" (printf ":%v" .Values.containerPorts.metrics)) }}
{{- $_ := set $config "health" (dict "bindAddress" (printf ":%v" .Values.containerPorts.health)) }}
{{- $_ := set $config "log" (dict "level" .Values.logLevel "format" .Values.logFormat) }}
{{- range $feature := include "maintenance-bridge.features" . | fromYamlArray }}
{{- $section := $config }}
{{- range $feature.section }}
{{- $_ := set $section . (default dict (get $section .)) }}
{{- $section = get $section . }}
{{- end }}
{{- $_ := set $section "enabled" (get $.Values.features $feature.value).enabled }}
{{- end }}
{{- toYaml $config }}
{{- end }}
