package telemetry

import (
	"context"
	"strings"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
)

// Queries gives the tracer that a connection pool is opened with: spans of statements, named as db/queries names them, of
// their preparation, and of waiting for a connection, within whatever span asks. Neither the statement's text nor its
// arguments are noted. beside, which may be nil, sees each statement as well.
func (t *Tracing) Queries(beside pgx.QueryTracer) pgx.QueryTracer {
	if t == nil {
		return beside
	}
	spans := otelpgx.NewTracer(
		otelpgx.WithTracerProvider(t.provider),
		otelpgx.WithMeterProvider(metricnoop.NewMeterProvider()), // metrics are Prometheus's
		otelpgx.WithSpanNameFunc(statementName),
		otelpgx.WithDisableSQLStatementInAttributes(),
		otelpgx.WithDisableConnectionDetailsInAttributes(), // would copy the connection's configuration for each statement
	)
	if beside == nil {
		return spans
	}
	return multitracer.New(spans, beside)
}

// statementName is the name that a statement's first line gives it; of any other (BEGIN, COMMIT) it is the first word.
func statementName(sql string) string {
	if rest, named := strings.CutPrefix(sql, "-- name: "); named {
		name, _, _ := strings.Cut(rest, " ")
		return name
	}
	return otelpgx.SQLOperationName(context.Background(), sql)
}
