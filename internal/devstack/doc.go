// Package devstack runs PostgreSQL, Redis, an identity provider and authd for development and tests. It starts them in order and stops them
// in reverse. No process remains.
//
// It owns the folder .dev (data, secrets, run.env) and the seeds. The packages below run the parts; cmd/authdev is the command line. authd
// must not link it (`go list -deps ./cmd/authd`).
//
// When authd needs a new setting to start, add it to serviceEnv in environment.go.
package devstack
