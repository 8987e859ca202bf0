// Package telemetry is what the service tells its operators: structured logs, Prometheus metrics and traces,
// named by OpenTelemetry's conventions (O1).
//
// It owns the logger and its redaction, the names of log fields, every metric of the service with its labels, and what spans
// may hold. It does not know HTTP's edge (who calls Metrics.RequestEnded and when), users, or which fields the contract marks as secret: their
// names are handed in. No line names an e-mail address, not even hashed: user.id says who is meant.
//
// Rules: T6 (no secret is logged, in part or whole) and O1. Redaction here is the last net, not the first: nobody logs a body.
//
// When a test breaks here after a change of contract: a field was marked x-secret or lost its mark; the names are derived
// from the contract, so the code here does not change.
package telemetry
