{{- /* Takes a list of the path and the times. */ -}}
{{- define "maintenance-bridge.probe" -}}
{{- merge (dict "httpGet" (dict "path" (first .) "port" "health")) (last .) | toYaml }}
{{- end }}

{{- /* Uses the values, except for fields that the program and the selector depend on. */ -}}
{{- define "maintenance-bridge.podAnnotations" -}}
{{- $own := dict "kubectl.kubernetes.io/default-container" "maintenance-bridge" }}
{{- /* The configuration is read only at the start. */ -}}
{{- $_ := set $own "checksum/config" (include "maintenance-bridge.configuration" . | sha256sum) }}
{{- mergeOverwrite (deepCopy (default dict .Values.podAnnotations)) $own | toYaml }}
{{- end }}

{{- define "maintenance-bridge.podLabels" -}}
{{- mergeOverwrite (deepCopy (default dict .Values.podLabels)) (include "maintenance-bridge.selectorLabels" . | fromYaml) | toYaml }}
{{- end }}

{{- /* `Recreate` has no numbers, and the default ones would be refused. */ -}}
{{- define "maintenance-bridge.updateStrategy" -}}
{{- $strategy := deepCopy .Values.updateStrategy }}
{{- if ne $strategy.type "RollingUpdate" }}{{ $strategy = omit $strategy "rollingUpdate" }}{{ end }}
{{- toYaml $strategy }}
{{- end }}

{{- define "maintenance-bridge.scheduling" -}}
{{- $spec := dict }}
{{- range $key := list "affinity" "nodeSelector" "tolerations" }}
{{- with get $.Values $key }}{{- $_ := set $spec $key . }}{{ end }}
{{- end }}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "maintenance-bridge.selectorLabels" . | fromYaml)) }}
{{- $spread := list }}
{{- range .Values.topologySpreadConstraints }}
{{- $spread = append $spread (merge (deepCopy .) $own) }}
{{- end }}
{{- if $spread }}{{- $_ := set $spec "topologySpreadConstraints" $spread }}{{ end }}
{{- if $spec }}{{ toYaml $spec }}{{ end }}
{{- end }}
