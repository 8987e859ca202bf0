// Package telemetry owns logs and their redaction, Prometheus metrics and traces, named as in OpenTelemetry (O1). It knows neither HTTP nor
// users. No log contains a secret (T6) or an e-mail address. Redaction is the last net: bodies are never logged. If a test breaks after a
// contract change, x-secret marks have moved; this code stays.
package telemetry
