package httpapi

import (
	"context"
	"sync"
	"time"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

// A report is reused for schemaAge, a failure for schemaRetry: any number of requests causes one look.
const (
	schemaAge   = 5 * time.Second
	schemaRetry = time.Second
)

type schemaHandlers struct {
	validate func(ctx context.Context) (schema.Report, error)
	kept     *keptReport
}

// keptReport admits one look at a time.
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
	// other requests wait for this look
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	age := schemaAge
	if h.kept.report, h.kept.err = h.validate(ctx); h.kept.err != nil {
		age = schemaRetry
	}
	h.kept.until = time.Now().Add(age)
	return h.kept.report, h.kept.err
}
