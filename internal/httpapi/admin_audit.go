package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/audit"
)

type auditHandlers struct {
	events *audit.Reader
}

func (h auditHandlers) ListAuditEvents(
	ctx context.Context, in api.ListAuditEventsRequestObject,
) (api.ListAuditEventsResponseObject, error) {
	query, err := fromAPIAuditQuery(in.Params)
	if err != nil {
		return nil, err
	}
	page, err := h.events.List(ctx, query)
	if err != nil {
		return nil, err
	}
	return api.ListAuditEvents200JSONResponse{AuditPageJSONResponse: toAPIAuditPage(page)}, nil
}
