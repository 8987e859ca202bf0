package httpapi

import (
	"context"
	"sync"
	"time"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

// schemaAge is how long a report is reused, schemaRetry a failure. Any number of requests causes one look in that time.
const (
	schemaAge   = 5 * time.Second
	schemaRetry = time.Second
)

type schemaHandlers struct {
	validate func(ctx context.Context) (schema.Report, error)
	kept     *keptReport
}

// keptReport is the last report; its lock admits one look at a time.
type keptReport struct {
	mu     sync.Mutex
	report schema.Report
	err    error
	until  time.Time
}

func (h schemaHandlers) GetSchemaHealth(
	ctx context.Context, _ api.GetSchemaHealthRequestObject,
) (api.GetSchemaHealthResponseObject, error) {
	report, err := h.look(ctx)
	if err != nil {
		return nil, pg.Fault(err)
	}
	return api.GetSchemaHealth200JSONResponse(toAPISchemaHealth(report)), nil
}

func (h schemaHandlers) look(ctx context.Context) (schema.Report, error) {
	h.kept.mu.Lock()
	defer h.kept.mu.Unlock()
	if time.Now().Before(h.kept.until) {
		return h.kept.report, h.kept.err
	}
	// Other requests wait for this look, so it ignores cancellation.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	age := schemaAge
	if h.kept.report, h.kept.err = h.validate(ctx); h.kept.err != nil {
		age = schemaRetry
	}
	h.kept.until = time.Now().Add(age)
	return h.kept.report, h.kept.err
}
