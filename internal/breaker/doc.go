// Package breaker spares callers the wait for a Redis that does not serve: it owns when Redis is asked again, by failsafe-go's circuit
// breaker. It does not know what is asked.
package breaker
