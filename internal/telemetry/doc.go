// Package telemetry provides structured logs, Prometheus metrics and traces, named by OpenTelemetry's conventions (O1). It owns the logger
// and its redaction, the log fields, every metric and its labels, and the content of spans. It knows neither HTTP's edge nor users.
//
// No secret is logged, in part or whole (T6). No line contains an e-mail address, not even hashed: it has user.id. Redaction is the last
// net; bodies are never logged.
//
// When a test breaks here after a contract change: x-secret marks changed. Secret names come from the contract, so this code stays.
package telemetry
