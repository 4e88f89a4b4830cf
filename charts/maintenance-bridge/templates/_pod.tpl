{{- /* Takes a list of the path and the times. */ -}}
{{- define "maintenance-bridge.probe" -}}
{{- merge (dict "httpGet" (dict "path" (first .) "port" "health")) (last .) | toYaml }}
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
