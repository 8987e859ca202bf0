package httpapi

import (
	"context"

	"github.com/google/uuid"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/bulk"
)

type moveHandlers struct {
	runs *bulk.Service
}

func (h moveHandlers) ListMoves(ctx context.Context, in api.ListMovesRequestObject) (api.ListMovesResponseObject, error) {
	runs, next, err := h.runs.List(ctx, orEmpty(in.Params.Cursor), limitOf(in.Params.Limit))
	if err != nil {
		return nil, err
	}
	return api.ListMoves200JSONResponse{MoveRunPageJSONResponse: toAPIMoveRunPage(runs, next)}, nil
}

func (h moveHandlers) StartMove(ctx context.Context, in api.StartMoveRequestObject) (api.StartMoveResponseObject, error) {
	plan, err := fromAPIMove(*in.Body)
	if err != nil {
		return nil, err
	}
	run, err := h.runs.Start(ctx, plan, by(ctx), uuid.Nil)
	if err != nil {
		return nil, err
	}
	return api.StartMove200JSONResponse{MoveRunRecordJSONResponse: toAPIMoveRunRecord(run, "The run goes on")}, nil
}

func (h moveHandlers) GetMove(ctx context.Context, in api.GetMoveRequestObject) (api.GetMoveResponseObject, error) {
	run, err := h.runs.Read(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return api.GetMove200JSONResponse{MoveRunRecordJSONResponse: toAPIMoveRunRecord(run, "Run retrieved successfully")}, nil
}

func (h moveHandlers) PauseMove(ctx context.Context, in api.PauseMoveRequestObject) (api.PauseMoveResponseObject, error) {
	run, err := h.runs.Pause(ctx, in.ID, by(ctx), bulk.ReasonOperator)
	if err != nil {
		return nil, err
	}
	return api.PauseMove200JSONResponse{MoveRunRecordJSONResponse: toAPIMoveRunRecord(run, "The run is paused")}, nil
}

func (h moveHandlers) ResumeMove(ctx context.Context, in api.ResumeMoveRequestObject) (api.ResumeMoveResponseObject, error) {
	run, err := h.runs.Resume(ctx, in.ID, by(ctx))
	if err != nil {
		return nil, err
	}
	return api.ResumeMove200JSONResponse{MoveRunRecordJSONResponse: toAPIMoveRunRecord(run, "The run goes on")}, nil
}

func (h moveHandlers) StopMove(ctx context.Context, in api.StopMoveRequestObject) (api.StopMoveResponseObject, error) {
	run, err := h.runs.Stop(ctx, in.ID, by(ctx))
	if err != nil {
		return nil, err
	}
	return api.StopMove200JSONResponse{MoveRunRecordJSONResponse: toAPIMoveRunRecord(run, "The run has ended")}, nil
}

func (h moveHandlers) RetryMove(ctx context.Context, in api.RetryMoveRequestObject) (api.RetryMoveResponseObject, error) {
	run, err := h.runs.Retry(ctx, in.ID, by(ctx))
	if err != nil {
		return nil, err
	}
	return api.RetryMove200JSONResponse{MoveRunRecordJSONResponse: toAPIMoveRunRecord(run, "The failed users are tried again")}, nil
}
