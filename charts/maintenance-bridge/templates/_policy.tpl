{{- /* Admission policies for the requests of our own ServiceAccount, for limits that RBAC cannot express. */ -}}

{{- /* The fields that the enabled features change, from _generated.tpl: by resource, and then by the place in the object. */ -}}
{{- define "maintenance-bridge.writes" -}}
{{- $writes := dict }}
{{- range $part := include "maintenance-bridge.parts" . | fromYamlArray }}
{{- range $resource, $places := include (printf "maintenance-bridge.writes.%s" $part) $ | fromYaml }}
{{- $known := default dict (get $writes $resource) }}
{{- range $place, $keys := $places }}
{{- $_ := set $known $place (concat (default list (get $known $place)) $keys) }}
{{- end }}
{{- $_ := set $writes $resource $known }}
{{- end }}
{{- end }}
{{- with $writes.pods }}
{{- $_ := set . "annotations" (concat .annotations (include "maintenance-bridge.rejectionKeys" $ | fromYamlArray)) }}
{{- $_ := set . "rejection" (include "maintenance-bridge.rejection" $ | fromYaml) }}
{{- end }}
{{- /* A provider may also annotate a workload. */ -}}
{{- $annotated := list }}
{{- range dig "ramen" "maintenanceMode" "providers" list (default dict .Values.config) }}{{ range .annotate }}{{ $annotated = append $annotated .key }}{{ end }}{{ end }}
{{- range $resource, $places := $writes }}
{{- if hasSuffix ".apps" $resource }}{{ $_ := set $places "annotations" (concat $places.annotations (uniq $annotated)) }}{{ end }}
{{- end }}
{{- toYaml $writes }}
{{- end }}

{{- /* A ManagedCluster that we create has our label. */ -}}
{{- define "maintenance-bridge.policy.standIns" -}}
{{- $names := list }}
{{- range dig "ramen" "bridge" "clusters" list (default dict .Values.config) }}{{ $names = append $names .name }}{{ end }}
validations:
  - expression: object.metadata.name in {{ $names | toJson }}
    message: maintenance-bridge creates no ManagedClusters but those of config.ramen.bridge.clusters
    reason: Forbidden
  - expression: object.metadata.?labels[?"app.kubernetes.io/managed-by"].orValue("") == "maintenance-bridge"
    message: maintenance-bridge creates no ManagedCluster without its own label app.kubernetes.io/managed-by
    reason: Forbidden
{{- end }}

{{- /* The annotations of Pods that the settings name, each with the annotation of its message. */ -}}
{{- define "maintenance-bridge.rejectionKeys" -}}
{{- $rejection := include "maintenance-bridge.rejection" . | fromYaml }}
{{- $tmm := default dict (default dict .Values.config).tmm }}
{{- $keys := list (default $rejection.annotation $tmm.rejectionAnnotation) }}
{{- range $tmm.presets }}{{ with get $rejection.ofPreset . }}{{ $keys = append $keys . }}{{ end }}{{ end }}
{{- range $tmm.taints }}{{ with .rejectionAnnotation }}{{ $keys = append $keys . }}{{ end }}{{ end }}
{{- range uniq $keys }}
- {{ . | quote }}
- {{ printf "%s%s" . $rejection.suffix | quote }}
{{- end }}
{{- end }}

{{- /* A policy with its binding. Takes `root`, the `suffix` of the name, the full name of the `resource`, `operations` and the text of the `checks`. */ -}}
{{- define "maintenance-bridge.policy" -}}
{{- $name := printf "%s-%s" (include "maintenance-bridge.fullname" .root) .suffix }}
{{- $resource := regexSplit "[.]" .resource 2 }}
{{- $resources := list (first $resource) }}
{{- /* Not for creations: an eviction is a creation of pods/eviction. */ -}}
{{- if eq (first .operations) "UPDATE" }}{{ $resources = append $resources (printf "%s/*" (first $resource)) }}{{ end }}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ $name | quote }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
spec:
  # Only our own requests are checked, so a failing policy blocks no other client.
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [{{ index (append $resource "") 1 | quote }}]
        apiVersions: [{{ ternary "v1" "*" (eq (len $resource) 1) | quote }}]
        resources: {{ $resources | toJson }}
        operations: {{ .operations | toJson }}
  matchConditions:
    - name: our-account
      expression: request.userInfo.username == "system:serviceaccount:{{ include "maintenance-bridge.namespace" .root }}:{{ include "maintenance-bridge.serviceAccountName" .root }}"
  {{- .checks | trim | nindent 2 }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name | quote }}
  labels:
    {{- include "maintenance-bridge.labels" .root | nindent 4 }}
spec:
  policyName: {{ $name | quote }}
  validationActions: {{ .root.Values.admissionPolicy.validationActions | toJson }}
{{- end }}

{{- /* Takes the places that may differ after an update. All other fields must stay the same, including unknown ones. */ -}}
{{- define "maintenance-bridge.policy.nothingElse" -}}
variables:
  # Objects and the fields that may differ in them, by the beginning of the field's path.
  {{- range $name, $object := dict "before" "oldObject" "after" "object" }}
  - name: {{ $name | quote }}
    expression: |-
      {
        "": dyn({{ $object }}),
        "metadata.": dyn({{ $object }}.metadata),
        "metadata.annotations.": dyn({{ $object }}.metadata.?annotations.orValue({})),
        "metadata.labels.": dyn({{ $object }}.metadata.?labels.orValue({})),
        "spec.": dyn({{ $object }}).?spec.orValue({}),
        "status.": dyn({{ $object }}).?status.orValue({})
      }
  {{- end }}
  {{- with .rejection }}
  # A rejection may be removed under any key: an earlier configuration may have named another key, and a forged marker on a Pod
  # must not block the cleanup.
  - name: withdrawn
    expression: |-
      variables.before["metadata.annotations."].filter(key,
        !(key in variables.after["metadata.annotations."]) &&
        variables.before["metadata.annotations."][key] in {{ .reasons | toJson }}).map(key, string(key))
  {{- end }}
  - name: may
    expression: |-
      {
        "": ["metadata", "spec", "status"],
        "metadata.": ["annotations", "labels", "generation", "managedFields", "resourceVersion"{{ if .finalizers }}, "finalizers"{{ end }}],
        "metadata.annotations.": {{ default list .annotations | toJson }}
        {{- with .rejection }} + variables.withdrawn + variables.withdrawn.map(key, key + {{ .suffix | toJson }}){{ end }},
        "metadata.labels.": {{ default list .labels | toJson }},
        "spec.": {{ default list .spec | toJson }},
        "status.": {{ concat (default list .status) (ternary (list "conditions") list (hasKey . "conditions")) | default list | toJson }}
      }
  - name: changed
    expression: |-
      variables.may.map(place, (
        variables.after[place].filter(key, !(key in variables.may[place]) &&
          variables.before[place][?key] != optional.of(variables.after[place][key])) +
        variables.before[place].filter(key, !(key in variables.may[place]) && !(key in variables.after[place]))
      ).map(key, place + key).join(", ")).filter(text, text != "").join(", ")
  {{- with .conditions }}
  - name: changedConditions
    expression: |-
      object.status.?conditions.orValue([]).filter(condition, !(condition.type in {{ toJson . }}) &&
        !(condition in oldObject.status.?conditions.orValue([]))).map(condition, condition.type) +
      oldObject.status.?conditions.orValue([]).filter(condition, !(condition.type in {{ toJson . }}) &&
        !object.status.?conditions.orValue([]).exists(other, other.type == condition.type)).map(condition, condition.type)
  {{- end }}
  {{- with .finalizers }}
  # Before and after, without our keys.
  - name: foreignFinalizers
    expression: |-
      [oldObject, object].map(each, each.metadata.?finalizers.orValue([]).filter(name, !(name in {{ toJson . }})))
  {{- end }}
validations:
  - expression: variables.changed == ""
    messageExpression: '"maintenance-bridge never changes " + variables.changed'
    reason: Forbidden
  {{- if .finalizers }}
  - expression: variables.foreignFinalizers[0] == variables.foreignFinalizers[1]
    message: maintenance-bridge never changes a finalizer that is not its own
    reason: Forbidden
  {{- end }}
  {{- if .conditions }}
  - expression: size(variables.changedConditions) == 0
    messageExpression: '"maintenance-bridge never changes the condition " + variables.changedConditions.join(", ")'
    reason: Forbidden
  {{- end }}
{{- end }}

{{- /* Takes `type` and `prefix` of the Secrets with stored Pods, and their `namespace`. */ -}}
{{- define "maintenance-bridge.policy.storedPods" -}}
validations:
  - expression: request.namespace == {{ .namespace | toJson }}
    message: maintenance-bridge writes Secrets in its own namespace only
    reason: Forbidden
  # The old object too: Secrets of others are neither overwritten nor deleted.
  - expression: |-
      [object, oldObject].filter(secret, secret != null).all(secret,
        secret.type == {{ .type | toJson }} && secret.metadata.name.startsWith({{ .prefix | toJson }}))
    message: maintenance-bridge writes no Secrets but those of type {{ .type }}, called {{ .prefix }}…
    reason: Forbidden
{{- end }}

{{- /* A policy cannot check which Pods were stored, since it sees one object. Limits on their containers are left to Pod Security. */ -}}
{{- define "maintenance-bridge.policy.restoredPods" -}}
validations:
  - expression: object.spec.?nodeName.orValue("") == ""
    message: maintenance-bridge never chooses the Node of a Pod, in spec.nodeName
    reason: Forbidden
  - expression: object.metadata.?ownerReferences.orValue([]).all(owner, owner.?controller.orValue(false) == false)
    message: maintenance-bridge never creates a Pod of a controller, in metadata.ownerReferences
    reason: Forbidden
{{- end }}
