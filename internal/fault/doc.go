// Package fault defines errors with code, message and a cause for the log. It owns the contract's codes; internal/httpapi maps them to
// statuses. When a test breaks here, add the missing code to the contract (api/openapi.yaml, ErrorCode) or below, then its status.
package fault
