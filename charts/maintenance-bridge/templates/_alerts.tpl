{{- /* Milliseconds in a duration such as `1h30m` or `0.5s`. */ -}}
{{- define "maintenance-bridge.milliseconds" -}}
{{- $lengths := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 }}
{{- $sum := 0.0 }}
{{- range $part := regexFindAll "[0-9.]+(ms|[smh])" . -1 }}
{{- $unit := regexFind "[a-z]+" $part }}
{{- $sum = addf $sum (mulf (trimSuffix $unit $part) (get $lengths $unit)) }}
{{- end }}
{{- int64 $sum }}
{{- end }}

{{- /*
The values that files/alerts.yaml derives from timeouts, for the timeouts of `config`: by alert, the replacement for the threshold of
its expression or for its `for`. Empty if the timeouts are the defaults.
*/ -}}
{{- define "maintenance-bridge.alertTimes" -}}
{{- $defaults := include "maintenance-bridge.timeouts" . | fromYaml }}
{{- $tmm := merge (dict) (default dict (default dict .Values.config).tmm) $defaults }}
{{- $ms := dict }}
{{- range $name, $_ := $defaults }}
{{- $_ := set $ms $name (include "maintenance-bridge.milliseconds" (get $tmm $name) | int64) }}
{{- end }}
{{- if ne $tmm.drainTimeout $defaults.drainTimeout }}
MaintenanceBridgeDrainSlow: {threshold: {{ div (mul $ms.drainTimeout 3) 4000 }}}
MaintenanceBridgeHostGateClosed: {for: {{ div (mul $ms.drainTimeout 2) 1000 }}s}
{{- end }}
{{- if or (ne $tmm.exitTimeout $defaults.exitTimeout) (ne $tmm.admissionTimeout $defaults.admissionTimeout) }}
MaintenanceBridgePhaseOverdue: {threshold: {{ div (mul (max $ms.exitTimeout $ms.admissionTimeout) 3) 1000 }}}
MaintenanceBridgeQueueStalled: {threshold: {{ div (mul $ms.exitTimeout 6) 1000 }}}
{{- end }}
{{- end }}
