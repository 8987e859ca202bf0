// Package devstack is everything that development and tests need around authd, real and private: PostgreSQL, Redis, an
// identity provider, a few people, and authd itself, started in order and stopped in reverse, leaving no process behind.
//
// It owns the folder .dev (data, secrets, run.env), the order of starting, and the seeds. What each part is lives in the
// packages below it; what a developer types lives in cmd/authdev. It plays the legacy auth-service's part once: seed.sql
// writes rows as that service did. Nothing here is linked into authd (`go list -deps ./cmd/authd` must not show it).
//
// When authd gains a setting without which it does not start, add it to serviceEnv in environment.go.
package devstack
