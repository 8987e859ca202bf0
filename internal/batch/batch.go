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
	// Lanes is how many groups are under way at once at most. Two: one that is slow does not hold up all.
	Lanes int
	// Patience is how long a group may take before another lane opens beside it: the fewer lanes, the more questions a group answers.
	Patience time.Duration
	// Enough is how many questions make a statement worth sending: where more wait, a group takes so many of them or half, whichever is
	// more, so that some askers are at work while the database is on the others. As great as Most: all go together.
	Enough int
	// Most is how many questions a group has at most.
	Most int
	// Limit is how long one group may take. It is to be less than the time that its members have.
	Limit time.Duration
	// Together answers a group, each question at its own place. Its context has the values of the first member's and the end of none.
	Together func(ctx context.Context, questions []Q) ([]A, error)
	// Alone answers one question, in the context of who asks.
	Alone func(ctx context.Context, question Q) (A, error)
	// Apart reports that a group failed because of what one of its members asks: each is then asked alone. Any other failure is
	// everybody's answer, so that nobody storms a database that is away.
	Apart func(err error) bool
}

// Lanes gathers questions. Safe for concurrent use; holds no goroutine while nobody asks.
type Lanes[Q, A any] struct {
	options Options[Q, A]

	lock    sync.Mutex
	waiting []*waiter[Q, A] // in the order of their coming
	left    int             // how many of them have gone
	alone   int             // questions under way beside the lanes
	busy    int             // lanes under way
	slow    int             // those of them whose group has taken longer than the patience
}

// New makes lanes.
func New[Q, A any](o Options[Q, A]) *Lanes[Q, A] { return &Lanes[Q, A]{options: o} }

// waiter is a question that waits for its answer.
type waiter[Q, A any] struct {
	ctx      context.Context
	question Q
	answered chan answer[A] // holds one: whoever has left keeps no lane waiting
	sent     bool
	left     bool
}

type answer[A any] struct {
	answer A
	err    error
	apart  bool // to be asked alone
}

// Ask answers a question: alone where nothing is under way, else together with whatever waits for a lane at that moment. No group
// takes it that has been sent before. When ctx ends first, that is the answer, at once. A panic of Together is an error of each member.
func (l *Lanes[Q, A]) Ask(ctx context.Context, question Q) (A, error) {
	w := l.join(ctx, question)
	if w == nil {
		return l.finishAlone(ctx, question)
	}
	select {
	case a := <-w.answered:
		if a.apart {
			return l.askAlone(ctx, question)
		}
		return a.answer, a.err
	case <-ctx.Done():
		l.leave(w)
		var none A
		return none, ctx.Err()
	}
}

// join puts a question into the queue. It is nil where nothing is under way: the question is counted as alone then, and the caller
// asks it. One that is about to be asked alone waits with those who have come at the same moment.
func (l *Lanes[Q, A]) join(ctx context.Context, question Q) *waiter[Q, A] {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.alone == 0 && l.busy == 0 {
		l.alone++
		l.letOthersCome()
		if l.alone == 1 && l.busy == 0 {
			return nil
		}
		l.alone--
	}
	w := &waiter[Q, A]{ctx: ctx, question: question, answered: make(chan answer[A], 1)}
	l.waiting = append(l.waiting, w)
	if l.busy == l.slow {
		l.openLane()
	}
	return w
}

// openLane is called under the lock.
func (l *Lanes[Q, A]) openLane() {
	if l.busy < l.options.Lanes {
		l.busy++
		go l.serve()
	}
}

// turn is one group under way in a lane.
type turn struct{ slow, over bool }

// begin watches a group: once it has taken longer than the patience, it counts as slow, and whoever waits has another lane.
func (l *Lanes[Q, A]) begin() (end func()) {
	t := &turn{}
	timer := time.AfterFunc(l.options.Patience, func() {
		l.lock.Lock()
		defer l.lock.Unlock()
		if t.over {
			return
		}
		t.slow = true
		l.slow++
		if len(l.waiting) > l.left {
			l.openLane()
		}
	})
	return func() {
		timer.Stop()
		l.lock.Lock()
		defer l.lock.Unlock()
		t.over = true
		if t.slow {
			l.slow--
		}
	}
}

// letOthersCome lets those goroutines run which are about to ask. It is no timer: where there are none it takes no time. The lock is
// held before and after.
func (l *Lanes[Q, A]) letOthersCome() {
	l.lock.Unlock()
	runtime.Gosched()
	l.lock.Lock()
}

func (l *Lanes[Q, A]) askAlone(ctx context.Context, question Q) (A, error) {
	l.lock.Lock()
	l.alone++
	l.lock.Unlock()
	return l.finishAlone(ctx, question)
}

// finishAlone asks a question that is counted already.
func (l *Lanes[Q, A]) finishAlone(ctx context.Context, question Q) (A, error) {
	defer func() {
		l.lock.Lock()
		l.alone--
		l.lock.Unlock()
	}()
	return l.options.Alone(ctx, question)
}

// leave takes a question out of the queue.
func (l *Lanes[Q, A]) leave(w *waiter[Q, A]) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if w.sent {
		return
	}
	w.left = true
	l.left++
	l.clearAway()
}

// clearAway drops those who have left once they are the half of the queue, so that it is never longer than twice those who wait, and
// leaving costs the same however many do. It is called under the lock.
func (l *Lanes[Q, A]) clearAway() {
	if 2*l.left >= len(l.waiting) {
		l.waiting = slices.DeleteFunc(l.waiting, func(w *waiter[Q, A]) bool { return w.left })
		l.left = 0
	}
}

// serve is one lane: it asks for whoever waits until nobody does.
func (l *Lanes[Q, A]) serve() {
	runtime.Gosched() // as letOthersCome
	group := l.take()
	for len(group) > 0 {
		end := l.begin()
		answers, err := l.ask(group)
		end()
		// Before anybody is answered: who has been answered finds the lane as it is now.
		next := l.take()
		l.deliver(group, answers, err)
		group = next
	}
}

// take gives those who have waited longest, as many as make the next group. Where nobody waits the lane is free.
func (l *Lanes[Q, A]) take() []*waiter[Q, A] {
	l.lock.Lock()
	defer l.lock.Unlock()
	waiting := len(l.waiting) - l.left
	group := make([]*waiter[Q, A], 0, min(waiting, max((waiting+1)/2, l.options.Enough), l.options.Most))
	taken := 0
	for _, w := range l.waiting {
		if len(group) == cap(group) {
			break
		}
		taken++
		if w.left {
			l.left--
			continue
		}
		w.sent = true
		group = append(group, w)
	}
	l.waiting = slices.Delete(l.waiting, 0, taken)
	l.clearAway()
	if len(group) == 0 {
		l.busy--
	}
	return group
}

func (l *Lanes[Q, A]) ask(group []*waiter[Q, A]) (answers []A, err error) {
	defer fault.Recover(&err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(group[0].ctx), l.options.Limit)
	defer cancel()
	questions := make([]Q, len(group))
	for i, w := range group {
		questions[i] = w.question
	}
	answers, err = l.options.Together(ctx, questions)
	if err == nil && len(answers) != len(questions) {
		err = fmt.Errorf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers, err
}

func (l *Lanes[Q, A]) deliver(group []*waiter[Q, A], answers []A, err error) {
	apart := err != nil && l.options.Apart(err)
	for i, w := range group {
		a := answer[A]{err: err, apart: apart}
		if err == nil {
			a.answer = answers[i]
		}
		w.answered <- a
	}
}
