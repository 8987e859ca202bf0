package httpapi

import (
	"context"
	"sync"
	"time"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

// schemaAge is how old an answer about the schema may be: whoever asks, as often as they like, costs one look in that time.
const schemaAge = 5 * time.Second

// schemaHandlers answer for the database's schema.
type schemaHandlers struct {
	validate func(ctx context.Context) (schema.Report, error)
	kept     *keptReport
}

// keptReport is the last look; the lock lets one look at a time.
type keptReport struct {
	mu     sync.Mutex
	report schema.Report
	at     time.Time
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
	if time.Since(h.kept.at) < schemaAge {
		return h.kept.report, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	report, err := h.validate(ctx)
	if err == nil {
		h.kept.report, h.kept.at = report, time.Now()
	}
	return report, err
}
