package telemetry

import "context"

// RequestIDKey is the key of a context under which the id of its request lies, as a string.
type RequestIDKey struct{}

// RequestID gives the id of the request that ctx belongs to, or "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(RequestIDKey{}).(string)
	return id
}
