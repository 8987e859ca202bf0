package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"auth-v2-service/gen/api"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/telemetry"
)

// checkTimeout is below the patience of an orchestrator's probe.
const checkTimeout = time.Second

// Check is a dependency. Without a Required one the instance is not ready (O2).
type Check struct {
	Name     string // as in the contract
	Required bool
	Probe    func(ctx context.Context) error
}

type healthHandlers struct {
	checks  []Check
	watch   *checkWatch
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

type probed struct {
	Check
	err error
}

func (p probed) probe(ctx context.Context) (err error) {
	defer fault.Recover(&err)
	return p.Probe(ctx)
}

// run ignores cancellation, which says nothing of a dependency.
func (h healthHandlers) run(ctx context.Context, requiredOnly bool) []probed {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
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
	for _, result := range results {
		h.watch.note(ctx, result)
	}
	return results
}

// checkWatch logs turns of optional checks. The access log has failures of required ones.
type checkWatch struct {
	log *slog.Logger

	mu      sync.Mutex
	failing map[string]bool
}

func newCheckWatch(log *slog.Logger) *checkWatch {
	return &checkWatch{log: log, failing: map[string]bool{}}
}

func (w *checkWatch) note(ctx context.Context, result probed) {
	if result.Required || !w.turned(result.Name, result.err != nil) {
		return
	}
	if result.err != nil {
		w.log.WarnContext(ctx, "an optional dependency is failing; the service goes on without it",
			telemetry.FieldCheck, result.Name, telemetry.FieldError, result.err)
		return
	}
	w.log.InfoContext(ctx, "an optional dependency is back", telemetry.FieldCheck, result.Name)
}

func (w *checkWatch) turned(name string, failing bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := w.failing[name] != failing
	w.failing[name] = failing
	return changed
}

func notReady(results []probed) error {
	var failing []fault.Field
	var causes []error
	for _, r := range results {
		if r.Required && r.err != nil {
			failing = append(failing, fault.Field{Field: r.Name, Message: "is failing"})
			causes = append(causes, fmt.Errorf("%s: %w", r.Name, r.err))
		}
	}
	if failing == nil {
		return nil
	}
	err := fault.Unavailable("not ready to serve", errors.Join(causes...))
	err.Fields = failing
	return err
}
