package httpapi

import (
	"context"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/fbsync"
)

type jobHandlers struct {
	outbox *fbsync.Outbox
}

func (h jobHandlers) ListJobs(ctx context.Context, in api.ListJobsRequestObject) (api.ListJobsResponseObject, error) {
	jobs, next, err := h.outbox.Jobs(ctx, fromAPIJobQuery(in.Params))
	if err != nil {
		return nil, err
	}
	return api.ListJobs200JSONResponse{JobPageJSONResponse: toAPIJobPage(jobs, next)}, nil
}

func (h jobHandlers) RetryJob(ctx context.Context, in api.RetryJobRequestObject) (api.RetryJobResponseObject, error) {
	if err := h.outbox.Retry(ctx, in.ID, by(ctx)); err != nil {
		return nil, err
	}
	return api.RetryJob200JSONResponse{DoneJSONResponse: toAPIDone("The job is tried again")}, nil
}
