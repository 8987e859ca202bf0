package telemetry

import "context"

// RequestIDKey is the context key of the request ID, a string.
type RequestIDKey struct{}

// RequestID returns the request ID or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(RequestIDKey{}).(string)
	return id
}
