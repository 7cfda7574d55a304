{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* Settings that may be given in values.settings. A test holds this list, the schema's
and the program's equal. */ -}}
{{- define "reporting.knownSettings" -}}
REPORTING_AUDIT_LOG REPORTING_AUTH REPORTING_AUTH_AUDIENCE REPORTING_AUTH_ISSUERS REPORTING_AUTH_JWKS_URL
REPORTING_AUTH_TRUSTED_PEERS REPORTING_BASE_URL REPORTING_CORS_ORIGINS REPORTING_FETCH_CONCURRENT REPORTING_FETCH_TIMEOUT REPORTING_FULL_URL
REPORTING_JOB_METRICS_INTERVAL REPORTING_LOG_FORMAT REPORTING_LOG_LEVEL REPORTING_MAX_BODY REPORTING_MAX_CONCURRENT REPORTING_MAX_CONNECTIONS
REPORTING_NIGHTLY_AT REPORTING_MAX_ATTEMPTS REPORTING_ATTEMPT_TIMEOUT REPORTING_RETENTION_DAYS REPORTING_SOURCE REPORTING_SOURCE_CLIENT_ID
REPORTING_SOURCE_SCOPES REPORTING_SOURCE_TOKEN_URL REPORTING_STATEMENT_TIMEOUT REPORTING_TIME_ZONE REPORTING_USER_RATE REPORTING_WORKERS
{{- end }}

{{- /* The settings that processes with workers only use. */ -}}
{{- define "reporting.workerSettings" -}}
REPORTING_LOG_FORMAT REPORTING_LOG_LEVEL REPORTING_MAX_ATTEMPTS REPORTING_ATTEMPT_TIMEOUT REPORTING_RETENTION_DAYS REPORTING_SOURCE
REPORTING_SOURCE_CLIENT_ID REPORTING_SOURCE_SCOPES REPORTING_SOURCE_TOKEN_URL REPORTING_STATEMENT_TIMEOUT REPORTING_TIME_ZONE REPORTING_WORKERS
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
REPORTING_SOURCE_CLIENT_SECRET: source.existingSecret
REPORTING_WORKER_DATABASE_URL: worker.existingSecret
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
{{- if .Values.worker.enabled -}}
{{- if not (get $s "REPORTING_SOURCE") -}}
{{- fail "Set settings.REPORTING_SOURCE to where reports take their data from, or worker.enabled to false." -}}
{{- end -}}
{{- if eq (toString (get $s "REPORTING_WORKERS")) "0" -}}
{{- fail "Set settings.REPORTING_WORKERS to how many reports a worker makes at a time, or worker.enabled to false." -}}
{{- end -}}
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
{{- include "reporting.reportSecrets" . }}
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
{{- /* Where there are workers, they do it. */ -}}
{{- $theirs := and $.Values.worker.enabled (eq $name "REPORTING_WORKERS") -}}
{{- if not (or $left $theirs (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: {{ $name }}
  value: {{ include "reporting.text" $value | quote }}
{{- end }}
{{- end }}
{{- if .Values.worker.enabled }}
- name: REPORTING_WORKERS
  value: "0"
{{- end }}
{{- with ((.Values.resources).limits).memory }}
- name: GOMEMLIMIT
  value: {{ include "reporting.memoryLimit" . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* What workers connect with, wherever they are, and what the FHIR server knows the service by. */ -}}
{{- define "reporting.workerDatabase" -}}
- name: REPORTING_WORKER_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ required "Set worker.existingSecret to the name of the Secret with the workers' connection string." .Values.worker.existingSecret }}
      key: {{ required "Set worker.key to the key in that Secret." .Values.worker.key }}
{{- end }}

{{- define "reporting.sourceSecret" -}}
{{- with .Values.source.existingSecret }}
- name: REPORTING_SOURCE_CLIENT_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ required "Set source.key to the key in that Secret." $.Values.source.key }}
{{- end }}
{{- end }}

{{- define "reporting.reportSecrets" -}}
{{- if and .Values.worker.existingSecret (not .Values.worker.enabled) }}
{{ include "reporting.workerDatabase" . }}
{{- end }}
{{- include "reporting.sourceSecret" . }}
{{- end }}

{{- define "reporting.workerEnvironment" -}}
{{- include "reporting.checkSettings" . -}}
{{ include "reporting.workerDatabase" . }}
{{- include "reporting.sourceSecret" . }}
- name: REPORTING_OPS_LISTEN
  value: ":9090"
- name: REPORTING_SHUTDOWN_DELAY
  value: "0s"
{{- range $name := regexSplit "\\s+" (include "reporting.workerSettings" .) -1 }}
{{- $value := get $.Values.settings $name }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
- name: {{ $name }}
  value: {{ include "reporting.text" $value | quote }}
{{- end }}
{{- end }}
{{- with ((.Values.worker.resources).limits).memory }}
- name: GOMEMLIMIT
  value: {{ include "reporting.memoryLimit" . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Reports keep what they count in files: nothing else is written. */ -}}
{{- define "reporting.temporary" -}}
- name: temporary
  emptyDir:
    sizeLimit: {{ .Values.temporary.sizeLimit }}
{{- end }}
