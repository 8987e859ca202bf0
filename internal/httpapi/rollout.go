package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/rollout"
)

// adminHandlers serve admins and keys of the right scope: the contract says so.
type adminHandlers struct {
	rollout *rollout.Store
}

func (h adminHandlers) GetRollout(ctx context.Context, _ api.GetRolloutRequestObject) (api.GetRolloutResponseObject, error) {
	record, err := h.rollout.Load(ctx)
	if err != nil {
		return nil, err
	}
	return api.GetRollout200JSONResponse{RolloutRecordJSONResponse: toAPIRollout(record, "Rollout retrieved successfully")}, nil
}

func (h adminHandlers) SetRollout(ctx context.Context, in api.SetRolloutRequestObject) (api.SetRolloutResponseObject, error) {
	record, err := h.rollout.Set(ctx, fromAPIRollout(*in.Body), by(ctx))
	if err != nil {
		return nil, err
	}
	return api.SetRollout200JSONResponse{RolloutRecordJSONResponse: toAPIRollout(record, "Rollout changed")}, nil
}
