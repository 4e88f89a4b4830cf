{{- /* Which groups of rules of _generated.tpl apply, as src/rbac.ts decides it. */ -}}

{{- define "maintenance-bridge.recreates" -}}
{{- if and .Values.features.tmm.enabled (eq (dig "tmm" "unmanagedPods" "reject" (default dict .Values.config)) "recreate") }}true{{ end }}
{{- end }}

{{- /* Namespaces are read only where a selector of the settings asks for their labels. */ -}}
{{- define "maintenance-bridge.selectsNamespaces" -}}
{{- $selections := concat (dig "tmm" "pods" list (default dict .Values.config)) (dig "tmm" "selfMovingWorkloads" list (default dict .Values.config)) }}
{{- range $selections }}{{ if hasKey . "namespaceSelector" }}true{{ end }}{{ end }}
{{- end }}

{{- /* Of the ClusterRole, whatever the namespaces of the Machines. */ -}}
{{- define "maintenance-bridge.rules.onNodes" -}}
{{- if .Values.features.tmm.enabled }}
{{- include "maintenance-bridge.rules.tmm" . }}
{{- if include "maintenance-bridge.selectsNamespaces" . }}
{{- include "maintenance-bridge.rules.tmm.namespaceSelectors" . }}
{{- end }}
{{- if include "maintenance-bridge.recreates" . }}
{{- include "maintenance-bridge.rules.tmm.recreate" . }}
{{- end }}
{{- if dig "tmm" "cordon" false (default dict .Values.config) }}
{{- include "maintenance-bridge.rules.tmm.cordon" . }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Of the ClusterRole, or of a Role in each of `config.namespaces`. */ -}}
{{- define "maintenance-bridge.rules.onMachines" -}}
{{- if .Values.features.clusterApi.enabled }}
{{- include "maintenance-bridge.rules.clusterApi" . }}
{{- end }}
{{- if .Values.features.metal3.enabled }}
{{- include "maintenance-bridge.rules.metal3" . }}
{{- end }}
{{- end }}

{{- /* Of the Role in our own namespace. */ -}}
{{- define "maintenance-bridge.rules.own" -}}
{{- if .Values.leaderElection.enabled }}
{{- include "maintenance-bridge.rules.leaderElection" . }}
{{- end }}
{{- if include "maintenance-bridge.recreates" . }}
{{- include "maintenance-bridge.rules.storedPods" . }}
{{- end }}
{{- end }}

{{- /* A Role with its binding. Takes `root`, `name`, `namespace` and the text of the `rules`. */ -}}
{{- define "maintenance-bridge.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  {{- include "maintenance-bridge.subjects" .root | nindent 2 }}
{{- end }}

{{- define "maintenance-bridge.subjects" -}}
- kind: ServiceAccount
  name: {{ include "maintenance-bridge.serviceAccountName" . }}
  namespace: {{ include "maintenance-bridge.namespace" . }}
{{- end }}
