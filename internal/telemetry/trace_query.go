package telemetry

import (
	"context"
	"strings"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
)

// Queries traces statements (by their names in db/queries) and waits, without SQL and arguments. beside may be nil.
func (t *Tracing) Queries(beside pgx.QueryTracer) pgx.QueryTracer {
	if t == nil {
		return beside
	}
	spans := otelpgx.NewTracer(
		otelpgx.WithTracerProvider(t.provider),
		otelpgx.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelpgx.WithSpanNameFunc(statementName),
		otelpgx.WithDisableSQLStatementInAttributes(),
		otelpgx.WithDisableConnectionDetailsInAttributes(), // copied for each statement
	)
	if beside == nil {
		return spans
	}
	return multitracer.New(spans, beside)
}

func statementName(sql string) string {
	if rest, named := strings.CutPrefix(sql, "-- name: "); named {
		name, _, _ := strings.Cut(rest, " ")
		return name
	}
	return otelpgx.SQLOperationName(context.Background(), sql)
}
