// Package telemetry owns logs and their redaction, Prometheus metrics and traces, named by OpenTelemetry's conventions (O1). It knows
// neither HTTP's edge nor users.
//
// No secret is logged, in part or whole (T6), and no e-mail address, not even hashed. Redaction is the last net: bodies are never logged. A
// test that breaks after a contract change shows moved x-secret marks; this code stays.
package telemetry
