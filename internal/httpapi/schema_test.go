package httpapi

import (
	"context"
	"errors"
	"sync"
	"testing"

	"auth-v2-service/internal/schema"
)

func TestSchemaHealth_ManyAskAndOneLooks(t *testing.T) {
	t.Parallel()
	looks := 0
	hanging := errors.New("the database hangs")
	h := schemaHandlers{kept: new(keptReport), validate: func(ctx context.Context) (schema.Report, error) {
		looks++ // guarded by keptReport
		<-ctx.Done()
		return schema.Report{}, hanging
	}}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := h.look(t.Context()); !errors.Is(err, hanging) {
				t.Errorf("answered %v, expected the failure of the one look", err)
			}
		})
	}
	all.Wait()
	if looks != 1 {
		t.Errorf("%d looks were made, expected 1", looks)
	}
}
