{{- /*
The rules of the parts that apply (_features.tpl), as in src/app/rbac.ts. Takes `root`, the `scope`, and the `role` of features
that have separate roles.
*/ -}}
{{- define "maintenance-bridge.rules" -}}
{{- $parts := include "maintenance-bridge.parts" .root | fromYamlArray }}
{{- range $feature := include "maintenance-bridge.features" .root | fromYamlArray }}
{{- if eq (default "" $feature.role) (default "" $.role) }}
{{- range $part := $parts }}
{{- if or (eq $part $feature.value) (hasPrefix (printf "%s." $feature.value) $part) }}
{{- include (printf "maintenance-bridge.rules.%s.%s" $part $.scope) $.root }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Rules of the ClusterRole, for any namespaces of the Machines. */ -}}
{{- define "maintenance-bridge.rules.onNodes" -}}
{{- include "maintenance-bridge.rules" (dict "root" . "scope" "cluster") }}
{{- end }}

{{- /* Rules of the ClusterRole, or of a Role in each of `config.namespaces`. */ -}}
{{- define "maintenance-bridge.rules.onMachines" -}}
{{- include "maintenance-bridge.rules" (dict "root" . "scope" "watched") }}
{{- end }}

{{- /* Rules of the Role in the release's namespace. */ -}}
{{- define "maintenance-bridge.rules.own" -}}
{{- if .Values.leaderElection.enabled }}
{{- include "maintenance-bridge.rules.leaderElection" . }}
{{- end }}
{{- include "maintenance-bridge.rules" (dict "root" . "scope" "own") }}
{{- end }}

{{- /* A ClusterRole with its binding. Takes `root`, `name` and the text of the `rules`. */ -}}
{{- define "maintenance-bridge.clusterRole" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .name | quote }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ .name | quote }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ .name | quote }}
subjects:
  {{- include "maintenance-bridge.subjects" .root | nindent 2 }}
{{- end }}

{{- /* A Role with its binding. Takes `root`, `name`, `namespace` and the text of the `rules`. */ -}}
{{- define "maintenance-bridge.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name | quote }}
  namespace: {{ .namespace | quote }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name | quote }}
  namespace: {{ .namespace | quote }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name | quote }}
subjects:
  {{- include "maintenance-bridge.subjects" .root | nindent 2 }}
{{- end }}

{{- define "maintenance-bridge.subjects" -}}
- kind: ServiceAccount
  name: {{ include "maintenance-bridge.serviceAccountName" . | quote }}
  namespace: {{ include "maintenance-bridge.namespace" . | quote }}
{{- end }}
