package httpapi

import (
	"maps"
	"slices"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/rollout"
)

func fromAPIMove(in api.MoveInput) (bulk.Plan, error) {
	plan := bulk.Plan{
		Kind: string(orZero(in.Kind)), Selection: string(in.Selection), IDs: orZero(in.Ids), Rate: orZero(in.Rate), Parallel: orZero(in.Parallel), MaxErrors: orZero(in.MaxErrors),
	}
	if in.Percent == nil {
		return plan, nil
	}
	var err error
	plan.Buckets, err = bulk.BucketsOf(*in.Percent)
	return plan, err
}

func toAPIMoveRunRecord(run bulk.Run, message string) api.MoveRunRecordJSONResponse {
	out := api.MoveRunRecordJSONResponse{Success: true, Message: message}
	out.Data.Run = toAPIMoveRun(run)
	return out
}

func toAPIMoveRunPage(runs []bulk.Run, next string) api.MoveRunPageJSONResponse {
	out := api.MoveRunPageJSONResponse{Success: true, Message: "Runs retrieved successfully"}
	out.Data.Runs = []api.MoveRun{}
	for _, run := range runs {
		out.Data.Runs = append(out.Data.Runs, toAPIMoveRun(run))
	}
	out.Data.NextCursor = orNull(next)
	return out
}

func toAPIMoveRun(r bulk.Run) api.MoveRun {
	return api.MoveRun{
		ID: r.ID, Kind: api.MoveKind(r.Kind), State: api.MoveRunState(r.State), Reason: orNull(r.Reason), Project: r.Target.Project, Tenant: r.Target.Tenant,
		Selection: api.MoveSelection(r.Selection), Percent: positive(rollout.Percent(r.Buckets)), Rate: positive(r.Rate), Parallel: r.Parallel,
		MaxErrors: r.MaxErrors, StartedBy: r.StartedBy, StartedAt: r.StartedAt.UTC(), EndedAt: orNever(r.EndedAt),
		Moved: r.Moved, Skipped: r.Skipped, Failed: r.Failed, Pending: r.Pending, Failures: toAPIMoveFailures(r.Codes),
		SlowedTo: positive(r.Pace), CanaryAt: orNever(r.CanaryAt), CanaryFailure: orNull(r.CanaryFailure), Carried: r.Carried,
	}
}

func toAPIMoveFailures(codes map[string]int64) []api.FailedMoves {
	out := []api.FailedMoves{}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		out = append(out, api.FailedMoves{Code: code, Users: codes[code]})
	}
	return out
}

func positive[N int | float64](n N) *N {
	if n <= 0 {
		return nil
	}
	return &n
}
