// Package devstack runs private PostgreSQL, Redis, identity provider and authd for development and tests. It starts them in order, stops
// them in reverse, and leaves no process. It owns the folder .dev and the seeds. authd must not link it (`go list -deps ./cmd/authd`). When
// authd needs a new setting, add it to serviceEnv in environment.go.
package devstack
