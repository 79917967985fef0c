{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "melissa.fullname" -}}
{{- if eq .Release.Name .Chart.Name -}}{{ .Chart.Name }}-operator{{- else -}}{{ printf "%s-%s-operator" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "melissa.serviceAccountName" -}}
{{ default (include "melissa.fullname" .) .Values.serviceAccount.name }}
{{- end -}}

{{- define "melissa.selectorLabels" -}}
app.kubernetes.io/name: melissa-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "melissa.labels" -}}
{{ include "melissa.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: melissa
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* An image by digest if one is given, else by tag; the chart's version when neither is. */}}
{{- define "melissa.image" -}}
{{- if .image.digest -}}
{{ printf "%s@%s" .image.repository .image.digest }}
{{- else -}}
{{ printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) }}
{{- end -}}
{{- end -}}

{{- define "melissa.rules" -}}
{{- $rules := .Files.Get "files/rbac.json" | fromJson -}}
{{ toYaml $rules.cluster }}
{{- end -}}
