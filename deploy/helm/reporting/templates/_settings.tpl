{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* Settings that may be given in values.settings. A test holds this list, the schema's
and the program's equal. */ -}}
{{- define "reporting.knownSettings" -}}
REPORTING_AUDIT_LOG REPORTING_AUTH REPORTING_AUTH_AUDIENCE REPORTING_AUTH_ISSUERS REPORTING_AUTH_JWKS_URL
REPORTING_AUTH_TRUSTED_PEERS REPORTING_BASE_URL REPORTING_CORS_ORIGINS REPORTING_FULL_URL
REPORTING_JOB_METRICS_INTERVAL REPORTING_LOG_FORMAT REPORTING_LOG_LEVEL REPORTING_MAX_BODY REPORTING_MAX_CONCURRENT REPORTING_MAX_CONNECTIONS
REPORTING_STATEMENT_TIMEOUT REPORTING_USER_RATE
{{- end }}

{{- /* Settings that the chart makes, and from what. */ -}}
{{- define "reporting.ownSettings" -}}
REPORTING_DATABASE_URL: database.existingSecret
REPORTING_DATABASE_REPLICA_URL: database.replica.existingSecret
REPORTING_LOG_USER_KEY: logUserKey.existingSecret
REPORTING_LISTEN: nothing (the port in the pod is fixed; see service.port)
REPORTING_OPS_LISTEN: nothing (the port in the pod is fixed)
REPORTING_SHUTDOWN_DELAY: shutdown.delaySeconds
REPORTING_SHUTDOWN_GRACE: shutdown.graceSeconds
{{- end }}

{{- /* A number of YAML is a float, which prints a million as 1e+06. */ -}}
{{- define "reporting.text" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "reporting.checkSettings" -}}
{{- $known := regexSplit "\\s+" (include "reporting.knownSettings" .) -1 -}}
{{- $own := fromYaml (include "reporting.ownSettings" .) -}}
{{- range $name, $_ := .Values.settings -}}
{{- if hasKey $own $name -}}
{{- fail (printf "settings.%s is made by the chart: set %s instead." $name (get $own $name)) -}}
{{- else if not (has $name $known) -}}
{{- fail (printf "settings.%s is not a setting of the program. There are: %s." $name (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if hasPrefix "REPORTING_" .name -}}
{{- fail (printf "extraEnv has %s: put it into settings, where it is checked." .name) -}}
{{- end -}}
{{- end -}}
{{- $s := .Values.settings -}}
{{- if not (get $s "REPORTING_BASE_URL") -}}
{{- fail "Set settings.REPORTING_BASE_URL to the public base URL of the API, as in https://fhir.example/fhir." -}}
{{- end -}}
{{- if ne (default "verify" (get $s "REPORTING_AUTH")) "gateway" -}}
{{- $sentence := "Set settings.REPORTING_AUTH_ISSUERS to the URLs of the issuers whose tokens are accepted, as in https://keycloak.example/realms/portal." -}}
{{- if not (get $s "REPORTING_AUTH_ISSUERS") -}}{{- fail $sentence -}}{{- end -}}
{{- /* Only a cluster knows an account: "helm template" asks none. */ -}}
{{- if and (contains "issuer.invalid" (get $s "REPORTING_AUTH_ISSUERS")) (lookup "v1" "ServiceAccount" .Release.Namespace "default") -}}
{{- fail $sentence -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Nine tenths of a limit as Kubernetes writes it, in bytes: Go collects garbage harder
before the kernel ends the process. */ -}}
{{- define "reporting.memoryLimit" -}}
{{- $quantity := toString . -}}
{{- $number := regexFind "^[0-9]+" $quantity -}}
{{- $factor := get (dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824) (trimPrefix $number $quantity) -}}
{{- if or (not $number) (not $factor) -}}
{{- fail (printf "resources.limits.memory is %q: write a whole number with k, M, G, Ki, Mi or Gi, as in 512Mi. GOMEMLIMIT is made from it." $quantity) -}}
{{- end -}}
{{- div (mul $number $factor 9) 10 -}}
{{- end }}

{{- define "reporting.environment" -}}
{{- include "reporting.checkSettings" . -}}
- name: REPORTING_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ required "Set database.existingSecret to the name of the Secret with the service's connection string." .Values.database.existingSecret }}
      key: {{ required "Set database.key to the key in that Secret." .Values.database.key }}
{{- with .Values.database.replica.existingSecret }}
- name: REPORTING_DATABASE_REPLICA_URL
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ required "Set database.replica.key to the key in that Secret." $.Values.database.replica.key }}
{{- end }}
{{- with .Values.logUserKey.existingSecret }}
- name: REPORTING_LOG_USER_KEY
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ required "Set logUserKey.key to the key in that Secret." $.Values.logUserKey.key }}
{{- end }}
- name: REPORTING_LISTEN
  value: ":8080"
- name: REPORTING_OPS_LISTEN
  value: ":9090"
- name: REPORTING_SHUTDOWN_DELAY
  value: {{ printf "%ds" (int .Values.shutdown.delaySeconds) }}
- name: REPORTING_SHUTDOWN_GRACE
  value: {{ printf "%ds" (int .Values.shutdown.graceSeconds) }}
{{- $gateway := eq (toString (get .Values.settings "REPORTING_AUTH")) "gateway" }}
{{- range $name, $value := .Values.settings }}
{{- /* The placeholder has no meaning in gateway mode, and the program says so. */ -}}
{{- $left := and $gateway (eq $name "REPORTING_AUTH_ISSUERS") (contains "issuer.invalid" (toString $value)) -}}
{{- if not (or $left (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: {{ $name }}
  value: {{ include "reporting.text" $value | quote }}
{{- end }}
{{- end }}
{{- with ((.Values.resources).limits).memory }}
- name: GOMEMLIMIT
  value: {{ include "reporting.memoryLimit" . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
