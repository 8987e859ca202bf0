package balance_test

import (
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/balance"
)

func BenchmarkChange(b *testing.B) {
	for name, users := range map[string]int{"one user": 1, "64 users": 64} {
		b.Run(name, func(b *testing.B) {
			s := newStage(b)
			ids := make([]uuid.UUID, users)
			for i := range ids {
				ids[i] = uuid.New()
				s.person(b, ids[i], nil)
			}
			var next atomic.Int64
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					change := balance.Change{UserID: ids[int(next.Add(1))%users], Amount: 1, Reason: "benchmark", Caller: "key:x", Key: uuid.NewString()}
					if _, err := s.Change(b.Context(), change); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
