package httpapi

import (
	"context"
	"sync"
	"time"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/fault"
)

// checkTimeout bounds each check: an orchestrator's probe gives up after a second or two.
const checkTimeout = time.Second

// Check is one thing that this service stands on. Required says whether an instance without it is not ready (O2).
type Check struct {
	Name     string // one of the contract's HealthCheck names
	Required bool
	Probe    func(ctx context.Context) error
}

// healthHandlers are the operations of the tag health.
type healthHandlers struct {
	checks  []Check
	version string
}

func (h healthHandlers) GetLiveness(context.Context, api.GetLivenessRequestObject) (api.GetLivenessResponseObject, error) {
	return api.GetLiveness200JSONResponse{DoneJSONResponse: toAPIDone("Alive")}, nil
}

func (h healthHandlers) GetReadiness(ctx context.Context, _ api.GetReadinessRequestObject) (api.GetReadinessResponseObject, error) {
	if err := notReady(h.run(ctx, true)); err != nil {
		return nil, err
	}
	return api.GetReadiness200JSONResponse{DoneJSONResponse: toAPIDone("Ready to serve")}, nil
}

func (h healthHandlers) GetHealth(ctx context.Context, _ api.GetHealthRequestObject) (api.GetHealthResponseObject, error) {
	results := h.run(ctx, false)
	if err := notReady(results); err != nil {
		return nil, err
	}
	return api.GetHealth200JSONResponse(toAPIHealth(results, h.version)), nil
}

// probed is a check and how it ended.
type probed struct {
	Check
	err error
}

func (p probed) probe(ctx context.Context) (err error) {
	defer fault.Recover(&err)
	return p.Probe(ctx)
}

func (h healthHandlers) run(ctx context.Context, requiredOnly bool) []probed {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var results []probed
	for _, check := range h.checks {
		if check.Required || !requiredOnly {
			results = append(results, probed{Check: check})
		}
	}
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i].err = results[i].probe(ctx) })
	}
	all.Wait()
	return results
}

// notReady is dependency_unavailable with the name of each required check that failed; the causes are for the log.
func notReady(results []probed) error {
	var failing []fault.Field
	var cause error
	for _, r := range results {
		if r.Required && r.err != nil {
			failing = append(failing, fault.Field{Field: r.Name, Message: "is failing"})
			cause = r.err
		}
	}
	if failing == nil {
		return nil
	}
	err := fault.Unavailable("not ready to serve", cause)
	err.Fields = failing
	return err
}
