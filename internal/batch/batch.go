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

// Options say how questions are answered. Every field is required.
type Options[Q, A any] struct {
	// Workers is how many groups are under way at once at most. Two: one that is slow does not hold up all.
	Workers int
	// Patience is how long a group may take before another lane opens beside it: the fewer lanes, the more questions a group answers.
	Patience time.Duration
	// MinBatch is how many questions make a statement worth sending: where more wait, a group takes so many of them or half, whichever is
	// more, so that some askers are at work while the database is on the others. As great as Most: all go together.
	MinBatch int
	// MaxBatch is how many questions a group has at most.
	MaxBatch int
	// Timeout is how long one group may take. It is to be less than the time that its members have.
	Timeout time.Duration
	// Many answers a group, each question at its own place. Its context has the values of the first member's and the end of none.
	Many func(ctx context.Context, questions []Q) ([]A, error)
	// One answers one question, in the context of who asks.
	One func(ctx context.Context, question Q) (A, error)
	// Isolate reports that a group failed because of what one of its members asks: each is then asked alone. Any other failure is
	// everybody's answer, so that nobody storms a database that is away.
	Isolate func(err error) bool
}

// Batcher answers many questions by one call. Safe for concurrent use; holds no goroutine while nobody asks.
type Batcher[Q, A any] struct {
	options Options[Q, A]

	lock      sync.Mutex
	waiting   []*waiter[Q, A] // in the order of their coming
	abandoned int             // how many of them have gone
	single    int             // questions under way beside the lanes
	busy      int             // workers under way
	slow      int             // those of them whose group has taken longer than the patience
}

// New makes lanes.
func New[Q, A any](o Options[Q, A]) *Batcher[Q, A] { return &Batcher[Q, A]{options: o} }

// waiter is a question that waits for its answer.
type waiter[Q, A any] struct {
	ctx       context.Context
	question  Q
	answered  chan result[A] // holds one: whoever has left keeps no lane waiting
	sent      bool
	abandoned bool
}

type result[A any] struct {
	answer  A
	err     error
	isolate bool // to be asked alone
}

// Ask answers a question: alone where nothing is under way, else together with whatever waits for a lane at that moment. No group
// takes it that has been sent before. When ctx ends first, that is the answer, at once. A panic of Together is an error of each member.
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

// enqueue puts a question into the queue. It is nil where nothing is under way: the question is counted as alone then, and the caller
// asks it. One that is about to be asked alone waits with those who have come at the same moment.
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

// startWorker is called under the lock.
func (b *Batcher[Q, A]) startWorker() {
	if b.busy < b.options.Workers {
		b.busy++
		go b.work()
	}
}

// run is one group under way in a lane.
type run struct{ slow, over bool }

// watchRun watches a group: once it has taken longer than the patience, it counts as slow, and whoever waits has another lane.
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

// yield lets those goroutines run which are about to ask. It is no timer: where there are none it takes no time. The lock is
// held before and after.
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

// runOne asks a question that is counted already.
func (b *Batcher[Q, A]) runOne(ctx context.Context, question Q) (A, error) {
	defer func() {
		b.lock.Lock()
		b.single--
		b.lock.Unlock()
	}()
	return b.options.One(ctx, question)
}

// abandon takes a question out of the queue.
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

// compact drops those who have left once they are the half of the queue, so that it is never longer than twice those who wait, and
// leaving costs the same however many do. It is called under the lock.
func (b *Batcher[Q, A]) compact() {
	if 2*b.abandoned >= len(b.waiting) {
		b.waiting = slices.DeleteFunc(b.waiting, func(w *waiter[Q, A]) bool { return w.abandoned })
		b.abandoned = 0
	}
}

// work is one lane: it asks for whoever waits until nobody does.
func (b *Batcher[Q, A]) work() {
	runtime.Gosched() // as yield
	group := b.take()
	for len(group) > 0 {
		end := b.watchRun()
		answers, err := b.runMany(group)
		end()
		// Before anybody is answered: who has been answered finds the lane as it is now.
		next := b.take()
		b.deliver(group, answers, err)
		group = next
	}
}

// take gives those who have waited longest, as many as make the next group. Where nobody waits the lane is free.
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
