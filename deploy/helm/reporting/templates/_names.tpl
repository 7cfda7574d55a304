{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- define "reporting.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* 52 characters leave room for what is put behind it. */ -}}
{{- define "reporting.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "reporting.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "reporting.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* What never changes of an installation, so it can select. The component keeps the
pods of the migration out of Services. */ -}}
{{- define "reporting.selector" -}}
app.kubernetes.io/name: {{ include "reporting.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: api
{{- end }}

{{- define "reporting.migrateSelector" -}}
app.kubernetes.io/name: {{ include "reporting.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: migrate
{{- end }}

{{- define "reporting.workerSelector" -}}
app.kubernetes.io/name: {{ include "reporting.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: worker
{{- end }}

{{- define "reporting.commonLabels" -}}
app.kubernetes.io/version: {{ regexReplaceAll "[^A-Za-z0-9_.-]" .Chart.AppVersion "_" | trunc 63 | quote }}
app.kubernetes.io/part-of: reporting
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "reporting.labels" -}}
{{ include "reporting.selector" . }}
{{ include "reporting.commonLabels" . }}
{{- end }}

{{- define "reporting.migrateLabels" -}}
{{ include "reporting.migrateSelector" . }}
{{ include "reporting.commonLabels" . }}
{{- end }}

{{- define "reporting.workerLabels" -}}
{{ include "reporting.workerSelector" . }}
{{ include "reporting.commonLabels" . }}
{{- end }}

{{- define "reporting.image" -}}
{{- $repository := required "Set image.repository to where your registry has the image, as in registry.example/reporting." .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- /* The program needs no more than this: no root, no capability, nothing to write to but
a folder for the temporary files of reports. */ -}}
{{- define "reporting.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "reporting.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
