package principal

import (
	"cmp"
	"context"
	"encoding/binary"
	"time"

	"auth-v2-service/internal/batch"
	"auth-v2-service/internal/detach"
)

// group merges concurrent look-ups of one token.
type group struct{ lookUps batch.Shared[Principal] }

// callKey has the invalidation count, so that no caller joins a look-up from before an invalidation (T5).
type callKey struct {
	token      tokenKey
	generation uint64
}

func (k callKey) text() string {
	return string(binary.BigEndian.AppendUint64(k.token[:], k.generation))
}

// do ignores cancellation, since others may wait for the look-up, and keeps each caller's deadline.
func (g *group) do(ctx context.Context, key callKey, lookUp func(context.Context) (Principal, error)) (Principal, error) {
	waiting, cancel := detach.Context(ctx, budget)
	defer cancel()
	end, _ := waiting.Deadline()
	found, err := g.lookUps.Ask(waiting, key.text(), time.Until(end), lookUp)
	if cause := cmp.Or(ctx.Err(), waiting.Err()); err != nil && cause != nil {
		return Principal{}, errTooSlow.With(cause) // of a caller that has left: context.Canceled
	}
	return found, err
}
