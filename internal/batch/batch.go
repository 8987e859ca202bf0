package batch

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"auth-v2-service/internal/fault"
)

// Options configure a Batcher. All are required.
type Options[Q, A any] struct {
	// Workers bounds concurrent groups.
	Workers int
	// Patience is how long a group may take before another worker starts.
	Patience time.Duration
	// From MinBatch on, a group takes half of the queue, so that callers and database work in parallel.
	MinBatch int
	// MaxBatch bounds a group.
	MaxBatch int
	// Timeout bounds a group's time, below the callers' deadlines.
	Timeout time.Duration
	// Many answers in order. Its context has the first member's values and no cancellation.
	Many func(ctx context.Context, questions []Q) ([]A, error)
	// One has its caller's context.
	One func(ctx context.Context, question Q) (A, error)
	// Isolate reports that one member made the group fail: each is then asked alone. Other errors go to all, so that callers do not flood
	// a failed database.
	Isolate func(err error) bool
}

// Batcher is safe for concurrent use, and holds no goroutine while idle.
type Batcher[Q, A any] struct {
	options Options[Q, A]

	lock      sync.Mutex
	waiting   []*waiter[Q, A]
	abandoned int // in waiting
	single    int // calls of One under way
	busy      int // workers
	slow      int // workers beyond Patience
}

// New returns a batcher.
func New[Q, A any](o Options[Q, A]) *Batcher[Q, A] { return &Batcher[Q, A]{options: o} }

type waiter[Q, A any] struct {
	ctx       context.Context
	question  Q
	answered  chan result[A] // buffered: an abandoned waiter blocks no worker
	sent      bool
	abandoned bool
}

type result[A any] struct {
	answer  A
	err     error
	isolate bool // ask alone
}

// Ask answers a question: alone if nothing is under way, else in the next group. It returns at once when ctx ends. A panic of Many becomes
// each member's error.
func (b *Batcher[Q, A]) Ask(ctx context.Context, question Q) (A, error) {
	w := b.enqueue(ctx, question)
	if w == nil {
		return b.runOne(ctx, question)
	}
	select {
	case a := <-w.answered:
		if a.isolate {
			return b.askOne(ctx, question)
		}
		return a.answer, a.err
	case <-ctx.Done():
		b.abandon(w)
		var none A
		return none, ctx.Err()
	}
}

func (b *Batcher[Q, A]) enqueue(ctx context.Context, question Q) *waiter[Q, A] {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.single == 0 && b.busy == 0 {
		b.single++
		b.yield()
		if b.single == 1 && b.busy == 0 {
			return nil
		}
		b.single--
	}
	w := &waiter[Q, A]{ctx: ctx, question: question, answered: make(chan result[A], 1)}
	b.waiting = append(b.waiting, w)
	if b.busy == b.slow {
		b.startWorker()
	}
	return w
}

func (b *Batcher[Q, A]) startWorker() {
	if b.busy < b.options.Workers {
		b.busy++
		go b.work()
	}
}

type run struct{ slow, over bool }

func (b *Batcher[Q, A]) watchRun() (end func()) {
	t := &run{}
	timer := time.AfterFunc(b.options.Patience, func() {
		b.lock.Lock()
		defer b.lock.Unlock()
		if t.over {
			return
		}
		t.slow = true
		b.slow++
		if len(b.waiting) > b.abandoned {
			b.startWorker()
		}
	})
	return func() {
		timer.Stop()
		b.lock.Lock()
		defer b.lock.Unlock()
		t.over = true
		if t.slow {
			b.slow--
		}
	}
}

// yield runs goroutines that are about to ask. The lock is held before and after.
func (b *Batcher[Q, A]) yield() {
	b.lock.Unlock()
	runtime.Gosched()
	b.lock.Lock()
}

func (b *Batcher[Q, A]) askOne(ctx context.Context, question Q) (A, error) {
	b.lock.Lock()
	b.single++
	b.lock.Unlock()
	return b.runOne(ctx, question)
}

func (b *Batcher[Q, A]) runOne(ctx context.Context, question Q) (A, error) {
	defer func() {
		b.lock.Lock()
		b.single--
		b.lock.Unlock()
	}()
	return b.options.One(ctx, question)
}

func (b *Batcher[Q, A]) abandon(w *waiter[Q, A]) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if w.sent {
		return
	}
	w.abandoned = true
	b.abandoned++
	b.compact()
}

// compact drops canceled waiters once they are half of the queue. It needs the lock.
func (b *Batcher[Q, A]) compact() {
	if 2*b.abandoned >= len(b.waiting) {
		b.waiting = slices.DeleteFunc(b.waiting, func(w *waiter[Q, A]) bool { return w.abandoned })
		b.abandoned = 0
	}
}

func (b *Batcher[Q, A]) work() {
	runtime.Gosched() // as in yield
	group := b.take()
	for len(group) > 0 {
		end := b.watchRun()
		answers, err := b.runMany(group)
		end()
		// The new state must be visible before the answers.
		next := b.take()
		b.deliver(group, answers, err)
		group = next
	}
}

func (b *Batcher[Q, A]) take() []*waiter[Q, A] {
	b.lock.Lock()
	defer b.lock.Unlock()
	waiting := len(b.waiting) - b.abandoned
	group := make([]*waiter[Q, A], 0, min(waiting, max((waiting+1)/2, b.options.MinBatch), b.options.MaxBatch))
	taken := 0
	for _, w := range b.waiting {
		if len(group) == cap(group) {
			break
		}
		taken++
		if w.abandoned {
			b.abandoned--
			continue
		}
		w.sent = true
		group = append(group, w)
	}
	b.waiting = slices.Delete(b.waiting, 0, taken)
	b.compact()
	if len(group) == 0 {
		b.busy--
	}
	return group
}

func (b *Batcher[Q, A]) runMany(group []*waiter[Q, A]) (answers []A, err error) {
	defer fault.Recover(&err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(group[0].ctx), b.options.Timeout)
	defer cancel()
	questions := make([]Q, len(group))
	for i, w := range group {
		questions[i] = w.question
	}
	answers, err = b.options.Many(ctx, questions)
	if err == nil && len(answers) != len(questions) {
		err = fmt.Errorf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers, err
}

func (b *Batcher[Q, A]) deliver(group []*waiter[Q, A], answers []A, err error) {
	isolate := err != nil && b.options.Isolate(err)
	for i, w := range group {
		a := result[A]{err: err, isolate: isolate}
		if err == nil {
			a.answer = answers[i]
		}
		w.answered <- a
	}
}
