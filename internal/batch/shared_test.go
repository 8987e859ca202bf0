package batch_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/batch"
)

type asked struct {
	lock    sync.Mutex
	times   int
	begun   chan struct{}
	release chan struct{}
}

func newAsked() *asked { return &asked{begun: make(chan struct{}, 100), release: make(chan struct{})} }

func (a *asked) ask(answer int, err error) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		a.lock.Lock()
		a.times++
		a.lock.Unlock()
		a.begun <- struct{}{}
		select {
		case <-a.release:
			return answer, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

type heard struct {
	answer int
	err    error
}

func askTogether(t *testing.T, s *batch.Shared[int], a *asked, n int, ask func(context.Context) (int, error)) []heard {
	t.Helper()
	answers := make(chan heard, n)
	one := func() {
		answer, err := s.Ask(t.Context(), "key", time.Minute, ask)
		answers <- heard{answer, err}
	}
	go one()
	<-a.begun
	for range n - 1 {
		go one()
	}
	close(a.release)
	all := make([]heard, n)
	for i := range all {
		all[i] = <-answers
	}
	return all
}

func TestShared_NothingIsKept(t *testing.T) {
	t.Parallel()
	var s batch.Shared[int]
	wrong := errors.New("refused")
	for i, want := range []heard{{1, nil}, {0, wrong}, {2, nil}} {
		a := newAsked()
		for _, got := range askTogether(t, &s, a, 20, a.ask(want.answer, want.err)) {
			if got.answer != want.answer || !errors.Is(got.err, want.err) {
				t.Errorf("question %d: heard %+v, expected %+v", i, got, want)
			}
		}
	}
}

func TestShared_TheFirstCallerLeaves(t *testing.T) {
	t.Parallel()
	var s batch.Shared[int]
	a := newAsked()
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := s.Ask(ctx, "key", time.Minute, a.ask(7, nil))
		left <- err
	}()
	<-a.begun
	stayed := make(chan heard, 1)
	waiting := make(chan struct{})
	go func() {
		close(waiting)
		answer, err := s.Ask(t.Context(), "key", time.Minute, a.ask(8, nil))
		stayed <- heard{answer, err}
	}()
	<-waiting
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left heard %v", err)
	}
	close(a.release)
	if got := <-stayed; got.err != nil {
		t.Errorf("the caller that stayed heard %v", got.err)
	}
}

func TestShared_LimitAndPanic(t *testing.T) {
	t.Parallel()
	var s batch.Shared[int]
	if _, err := s.Ask(t.Context(), "key", time.Millisecond, newAsked().ask(1, nil)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beyond the limit: %v", err)
	}
	if _, err := s.Ask(t.Context(), "key", time.Minute, func(context.Context) (int, error) { panic("oh") }); err == nil {
		t.Error("a panic is no error")
	}
}
