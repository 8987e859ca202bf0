package user

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
)

const askers = 32

func benchmark(b *testing.B, p *scene, ask func(n int) error) {
	b.Helper()
	var asked atomic.Int64
	_, _ = p.statements.since()
	b.SetParallelism(max(1, askers/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := ask(int(asked.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	ran, _ := p.statements.since()
	statements := 0
	for _, n := range ran {
		statements += n
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "questions/s")
	b.ReportMetric(float64(b.N)/float64(statements), "questions/statement")
}

func BenchmarkLookUps(b *testing.B) {
	const known = 10_000
	p := newScene(b, 1, 4)
	p.exec(`INSERT INTO auth.users (id, firebase_uid, auth_provider, email)
		SELECT lpad(i::text, 32, '0')::uuid, 'known-' || lpad(i::text, 22, '0'), 'firebase', 'known' || i || '@example.com'
		FROM generate_series(0, $1::int - 1) AS i`, known)
	p.exec("ANALYZE auth.users")
	s := p.stores[0]
	sessions, ids := make([]token.Claims, known), make([]uuid.UUID, known)
	for i := range known {
		sessions[i] = session(fmt.Sprintf("known-%022d", i), fmt.Sprintf("known%d@example.com", i))
		ids[i] = uuid.MustParse(fmt.Sprintf("%032d", i))
	}
	for _, c := range []struct {
		what string
		ask  func(n int) error
	}{
		{"uid/select", func(n int) error {
			_, err := s.queries.UserByFirebaseUID(b.Context(), s.pool, sessions[n%known].Subject)
			return err
		}},
		{"uid/alone", func(n int) error { _, err := s.findOrCreateOne(b.Context(), sessions[n%known]); return err }},
		{"uid/gathered", func(n int) error { _, err := s.FirstSight(b.Context(), sessions[n%known]); return err }},
		{"id/alone", func(n int) error { _, err := s.readMany(b.Context(), ids[n%known:n%known+1]); return err }},
		{"id/gathered", func(n int) error { _, err := s.ByID(b.Context(), ids[n%known]); return err }},
	} {
		b.Run(c.what, func(b *testing.B) { benchmark(b, p, c.ask) })
	}
}

func BenchmarkFirstSights(b *testing.B) {
	p := newScene(b, 1, 4)
	s := p.stores[0]
	stranger := func() token.Claims {
		uid := newUID()
		return session(uid, uid+"@example.com", withName("Person "+uid))
	}
	b.Run("alone", func(b *testing.B) {
		benchmark(b, p, func(int) error { _, err := s.findOrCreateOne(b.Context(), stranger()); return err })
	})
	b.Run("gathered", func(b *testing.B) {
		benchmark(b, p, func(int) error { _, err := s.FirstSight(b.Context(), stranger()); return err })
	})
}
