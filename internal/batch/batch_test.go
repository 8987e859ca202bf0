package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var (
	errBadMember = errors.New("a member asks what cannot be asked")
	errOutage    = errors.New("nobody answers")
)

type desk struct {
	lock    sync.Mutex
	alone   []int
	groups  [][]int
	running int
	most    int

	holdAlone, holdGroups chan struct{} // nil: no hold; else one receive an answer
	fail                  func(group []int) error
}

func (d *desk) answerAlone(ctx context.Context, n int) (string, error) {
	d.lock.Lock()
	d.alone = append(d.alone, n)
	d.lock.Unlock()
	if err := wait(ctx, d.holdAlone); err != nil {
		return "", err
	}
	if n < 0 {
		return "", errBadMember
	}
	return text(n), nil
}

func (d *desk) answerTogether(ctx context.Context, group []int) ([]string, error) {
	d.lock.Lock()
	d.groups = append(d.groups, slices.Clone(group))
	d.running++
	d.most = max(d.most, d.running)
	d.lock.Unlock()
	defer func() {
		d.lock.Lock()
		d.running--
		d.lock.Unlock()
	}()
	if err := wait(ctx, d.holdGroups); err != nil {
		return nil, err
	}
	if d.fail != nil {
		if err := d.fail(group); err != nil {
			return nil, err
		}
	}
	answers := make([]string, len(group))
	for i, n := range group {
		if n < 0 {
			return nil, fmt.Errorf("a group: %w", errBadMember)
		}
		answers[i] = text(n)
	}
	return answers, nil
}

func (d *desk) asked(n int) bool {
	d.lock.Lock()
	defer d.lock.Unlock()
	return slices.Contains(d.alone, n) || slices.Contains(slices.Concat(d.groups...), n)
}

func text(n int) string { return fmt.Sprint("answer ", n) }

func wait(ctx context.Context, hold chan struct{}) error {
	if hold == nil {
		return nil
	}
	select {
	case <-hold:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	limit    = time.Second
	patience = time.Nanosecond // over once all goroutines wait
)

func (d *desk) batcher(workers, most int) *Batcher[int, string] {
	return New(Options[int, string]{
		Workers: workers, Patience: patience, MinBatch: most, MaxBatch: most, Timeout: limit, Many: d.answerTogether, One: d.answerAlone,
		Isolate: func(err error) bool { return errors.Is(err, errBadMember) },
	})
}

type asker struct {
	n      int
	answer string
	err    error
	done   atomic.Bool // guards the other fields
	leave  context.CancelFunc
}

// ask returns when all questions wait.
func ask(t *testing.T, l *Batcher[int, string], numbers ...int) []*asker {
	t.Helper()
	var all []*asker
	for _, n := range numbers {
		ctx, leave := context.WithCancel(t.Context())
		a := &asker{n: n, leave: leave}
		t.Cleanup(leave)
		all = append(all, a)
		go func() {
			a.answer, a.err = l.Ask(ctx, n)
			a.done.Store(true)
		}()
		time.Sleep(2 * patience)
		synctest.Wait()
	}
	return all
}

func expectAnswers(t *testing.T, what string, all ...*asker) {
	t.Helper()
	synctest.Wait()
	for _, a := range all {
		if !a.done.Load() {
			t.Errorf("%s: %d waits, expected an answer", what, a.n)
		} else if a.err != nil || a.answer != text(a.n) {
			t.Errorf("%s: %d was answered %q, %v, expected its own answer", what, a.n, a.answer, a.err)
		}
	}
}

func expectErrors(t *testing.T, what string, want error, all ...*asker) {
	t.Helper()
	synctest.Wait()
	for _, a := range all {
		if !a.done.Load() {
			t.Errorf("%s: %d waits, expected %v", what, a.n, want)
		} else if !errors.Is(a.err, want) || a.answer != "" {
			t.Errorf("%s: %d was answered %q, %v, expected %v", what, a.n, a.answer, a.err, want)
		}
	}
}

func expectWaiting(t *testing.T, what string, all ...*asker) {
	t.Helper()
	synctest.Wait()
	for _, a := range all {
		if a.done.Load() {
			t.Errorf("%s: %d was answered %q, %v, expected it to wait", what, a.n, a.answer, a.err)
		}
	}
}

func TestAsk_AloneWhereNothingIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		l := d.batcher(2, 10)
		for n := range 10 {
			expectAnswers(t, "one after the other", ask(t, l, n)...)
		}
		if len(d.alone) != 10 || len(d.groups) != 0 {
			t.Errorf("10 questions one after the other were asked alone %v and in groups %v, expected all alone", d.alone, d.groups)
		}
		type key struct{}
		seen := context.Background()
		own := New(Options[int, string]{One: func(ctx context.Context, _ int) (string, error) {
			seen = ctx
			return "", nil
		}})
		ctx := context.WithValue(t.Context(), key{}, "mine")
		if _, err := own.Ask(ctx, 1); err != nil || seen != ctx {
			t.Errorf("alone in the context %v (%v), expected the asker's own", seen, err)
		}
	})
}

func TestAsk_WhatWaitsIsOneGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{holdAlone: make(chan struct{}), holdGroups: make(chan struct{})}
		l := d.batcher(1, 3)
		alone := ask(t, l, 0)
		first := ask(t, l, 1)
		rest := ask(t, l, 2, 3, 4, 5)
		expectWaiting(t, "held", slices.Concat(alone, first, rest)...)
		d.holdGroups <- struct{}{}
		expectAnswers(t, "the first group", first...)
		expectWaiting(t, "asked after the first group was sent", rest...)
		d.holdGroups <- struct{}{}
		d.holdGroups <- struct{}{}
		d.holdAlone <- struct{}{}
		expectAnswers(t, "released", slices.Concat(alone, rest)...)
		if got := fmt.Sprint(d.alone, d.groups); got != "[0] [[1] [2 3 4] [5]]" {
			t.Errorf("asked %s, expected 0 alone, then 1, then all that had gathered, three at most", got)
		}
		expectAnswers(t, "idle again", ask(t, l)...)
		d.holdAlone = nil
		expectAnswers(t, "idle again", ask(t, l, 6)...)
		if len(d.alone) != 2 {
			t.Errorf("asked alone %v, expected the last one, too: nothing was under way", d.alone)
		}
	})
}

func TestAsk_WhoHasBeenAnsweredFindsTheWorkerFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := (&desk{}).batcher(1, 10)
		w := &waiter[int, string]{ctx: t.Context(), question: 1, answered: make(chan result[string])} // unbuffered
		l.waiting, l.busy = append(l.waiting, w), 1
		go l.work()
		synctest.Wait()
		if l.busy != 0 {
			t.Error("the lane is not free while its last group is being answered")
		}
		if a := <-w.answered; a.err != nil || a.answer != text(1) {
			t.Errorf("answered %+v", a)
		}
	})
}

func TestAsk_OneThatHangsHoldsUpNobodyElse_O3(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		d := &desk{holdAlone: hang}
		d.fail = func(group []int) error {
			if slices.Contains(group, 100) {
				<-hang
			}
			return nil
		}
		l := d.batcher(2, 10)
		alone := ask(t, l, 0)
		slow := ask(t, l, 100)
		expectAnswers(t, "while a group and a single question hang", ask(t, l, 1, 2, 3)...)
		expectWaiting(t, "hanging", alone[0], slow[0])
		close(hang)
		expectAnswers(t, "released", alone[0], slow[0])
		if d.most != 2 {
			t.Errorf("%d workers at once, expected 2", d.most)
		}
	})
}

func TestAsk_AnotherWorkerStartsBesideASlowOne_O3(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const patience = 5 * time.Millisecond // longer than the others'
		hang := make(chan struct{})
		d := &desk{holdAlone: make(chan struct{})}
		d.fail = func(group []int) error {
			if slices.Contains(group, 100) {
				<-hang
			}
			return nil
		}
		l := d.batcher(2, 10)
		l.options.Patience = patience
		alone := ask(t, l, 0)
		slow := ask(t, l, 100)
		gathering := ask(t, l, 1, 2)
		expectWaiting(t, "within the patience one lane is open", gathering...)
		time.Sleep(patience)
		expectAnswers(t, "after it another one is", gathering...)
		expectAnswers(t, "and open it stays for who comes later", ask(t, l, 3)...)
		expectWaiting(t, "the slow one", slow...)
		close(hang)
		expectAnswers(t, "released", slow...)
		if d.most != 2 || l.slow != 0 || l.busy != 0 {
			t.Errorf("%d workers at once, %d slow and %d busy in the end; expected 2, 0, 0", d.most, l.slow, l.busy)
		}
		hang = make(chan struct{})
		slow, gathering = ask(t, l, 100), ask(t, l, 4)
		expectWaiting(t, "whose lane is slow no longer opens no other at once", gathering...)
		close(hang)
		expectAnswers(t, "in turn", append(slow, gathering...)...)
		close(d.holdAlone)
		expectAnswers(t, "alone", alone...)
	})
}

func TestAsk_WhoLeavesIsLeftOut_O3(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{holdAlone: make(chan struct{}), holdGroups: make(chan struct{})}
		l := d.batcher(1, 10)
		alone := ask(t, l, 0)
		sent := ask(t, l, 1)
		waiting := ask(t, l, 2, 3, 4, 5)
		for _, a := range []*asker{sent[0], waiting[0], waiting[2]} {
			a.leave()
			expectErrors(t, "left", context.Canceled, a)
		}
		d.holdGroups <- struct{}{}
		d.holdGroups <- struct{}{}
		expectAnswers(t, "stayed", waiting[1], waiting[3])
		alone[0].leave()
		expectErrors(t, "left alone", context.Canceled, alone[0])
		if got := fmt.Sprint(d.groups); got != "[[1] [3 5]]" {
			t.Errorf("asked %s, expected those who had left before it was sent to be left out", got)
		}
	})
}

func TestAsk_AGroupHasATimeOfItsOwn_O3(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		values := make(chan any, 2)
		d := &desk{holdAlone: make(chan struct{})}
		l := d.batcher(1, 10)
		l.options.Many = func(ctx context.Context, _ []int) ([]string, error) {
			values <- ctx.Value(key{})
			<-ctx.Done()
			return nil, ctx.Err()
		}
		alone := ask(t, l, 0)
		began := time.Now()
		ctx, leave := context.WithCancel(context.WithValue(t.Context(), key{}, "the first one's"))
		go func() { _, _ = l.Ask(ctx, 1) }()
		synctest.Wait()
		leave()
		next := ask(t, l, 2)
		expectWaiting(t, "behind a group whose only member has left", next...)
		if value := <-values; value != "the first one's" {
			t.Errorf("a group has the value %v, expected its first member's", value)
		}
		<-time.After(2 * limit) // the bubble's clock
		expectErrors(t, "at the limit", context.DeadlineExceeded, next...)
		if took := time.Since(began); took.Round(time.Millisecond) != 2*limit {
			t.Errorf("two groups that hang took %s, expected a limit each", took)
		}
		close(d.holdAlone)
		expectAnswers(t, "alone", alone...)
	})
}

func TestAsk_AFailingMemberHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{holdGroups: make(chan struct{})}
		l := d.batcher(1, 10)
		d.holdAlone = make(chan struct{})
		alone, first := ask(t, l, 0), ask(t, l, 1)
		good, bad := ask(t, l, 2, 3), ask(t, l, -1)
		good = append(good, ask(t, l, 4)...)
		close(d.holdGroups)
		close(d.holdAlone)
		expectAnswers(t, "beside a bad one", slices.Concat(alone, first, good)...)
		expectErrors(t, "the bad one", errBadMember, bad...)
		slices.Sort(d.alone)
		if got := fmt.Sprint(d.groups, d.alone); got != "[[1] [2 3 -1 4]] [-1 0 2 3 4]" {
			t.Errorf("asked %s, expected the failed group's members once more, each alone", got)
		}
	})
}

func TestAsk_AnOutageIsEverybodysAnswer(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		fail func(group []int) error
		says string
	}{
		"an outage": {func([]int) error { return errOutage }, errOutage.Error()},
		"a panic":   {func([]int) error { panic("at the disco") }, "panic: at the disco"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &desk{holdAlone: make(chan struct{}), holdGroups: make(chan struct{}), fail: c.fail}
			l := d.batcher(2, 10)
			alone := ask(t, l, 0)
			all := ask(t, l, 1, 2, 3, 4, 5)
			close(d.holdGroups)
			synctest.Wait()
			for _, a := range all {
				if !a.done.Load() {
					t.Errorf("%s: %d waits, expected an error", what, a.n)
				} else if a.err == nil || !strings.Contains(a.err.Error(), c.says) {
					t.Errorf("%s: %d was answered %v, expected %q", what, a.n, a.err, c.says)
				}
			}
			close(d.holdAlone)
			expectAnswers(t, what+", beside", alone...)
			if len(d.alone) != 1 || len(d.groups) != 3 {
				t.Errorf("%s: asked %v and %v, expected three groups and nobody again", what, d.alone, d.groups)
			}
			d.fail = nil
			expectAnswers(t, what+" is over", ask(t, l, 6, 7)...)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		d := &desk{holdAlone: make(chan struct{})}
		l := d.batcher(1, 10)
		l.options.Many = func(context.Context, []int) ([]string, error) { return []string{"a", "b"}, nil }
		alone, short := ask(t, l, 0), ask(t, l, 1)
		synctest.Wait()
		if short[0].err == nil || short[0].answer != "" {
			t.Errorf("one question with two answers was answered %q, %v", short[0].answer, short[0].err)
		}
		close(d.holdAlone)
		expectAnswers(t, "beside", alone...)
	})
}

func TestAsk_APanicAloneIsTheAskersOwn(t *testing.T) {
	t.Parallel()
	d := &desk{}
	l := d.batcher(2, 10)
	l.options.One = func(context.Context, int) (string, error) { panic("mine") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not reach who asked")
			}
		}()
		_, _ = l.Ask(t.Context(), 1)
	}()
	if l.single != 0 {
		t.Errorf("%d are under way, expected none", l.single)
	}
}

func TestAsk_ThoseWhoLeftTakeNoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{holdAlone: make(chan struct{}), holdGroups: make(chan struct{})}
		l := d.batcher(2, 10)
		held := ask(t, l, 0, 1, 2)
		stay := ask(t, l, 3, 4, 5)
		for range 50 {
			ctx, leave := context.WithCancel(t.Context())
			for range 100 {
				go func() { _, _ = l.Ask(ctx, 6) }()
			}
			synctest.Wait()
			leave()
			synctest.Wait()
			l.lock.Lock()
			n := len(l.waiting)
			l.lock.Unlock()
			if n > 2*len(stay) {
				t.Fatalf("%d are in the queue, of which %d wait", n, len(stay))
			}
		}
		close(d.holdGroups)
		close(d.holdAlone)
		expectAnswers(t, "stayed", slices.Concat(held, stay)...)
		if len(l.waiting) != 0 || l.abandoned != 0 || l.single != 0 || l.busy != 0 {
			t.Errorf("left behind: %d in the queue, %d who left, %d alone, %d workers", len(l.waiting), l.abandoned, l.single, l.busy)
		}
	})
}

func TestAsk_OfManyAGroupTakesHalf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{holdAlone: make(chan struct{}), holdGroups: make(chan struct{})}
		l := d.batcher(1, 6)
		l.options.MinBatch = 2
		all := ask(t, l, 0, 1)
		many := ask(t, l, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
		many[14].leave()
		synctest.Wait()
		close(d.holdGroups)
		close(d.holdAlone)
		expectAnswers(t, "all", slices.Concat(all, many[:14])...)
		sizes := make([]int, len(d.groups))
		for i, group := range d.groups {
			sizes[i] = len(group)
		}
		if got, expected := fmt.Sprint(sizes), "[1 6 4 2 2]"; got != expected {
			t.Errorf("1, then 14 who waited were asked for in groups of %s, expected %s", got, expected)
		}
	})
}

func TestAsk_WhoLeftLastIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{holdAlone: make(chan struct{}), holdGroups: make(chan struct{})}
		l := d.batcher(1, 1)
		all := ask(t, l, 0, 1, 2, 3, 4)
		all[4].leave()
		synctest.Wait()
		close(d.holdGroups)
		close(d.holdAlone)
		expectAnswers(t, "stayed", all[:4]...)
		if len(l.waiting) != 0 || l.abandoned != 0 {
			t.Errorf("left behind: %d in the queue, %d who left", len(l.waiting), l.abandoned)
		}
	})
}

func TestAsk_AnyOrderOfEvents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		workers, most := rapid.IntRange(1, 3).Draw(rt, "workers"), rapid.IntRange(1, 4).Draw(rt, "most")
		enough := rapid.IntRange(1, most).Draw(rt, "enough")
		acts := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 60).Draw(rt, "acts")
		var failures []string
		synctest.Test(t, func(t *testing.T) {
			failures = play(t, workers, enough, most, acts)
		})
		if len(failures) > 0 {
			rt.Fatal(strings.Join(failures, "\n"))
		}
	})
}

func play(t *testing.T, workers, enough, most int, acts []int) (failures []string) {
	complain := func(format string, arguments ...any) { failures = append(failures, fmt.Sprintf(format, arguments...)) }
	d := &desk{holdAlone: make(chan struct{}), holdGroups: make(chan struct{})}
	l := d.batcher(workers, most)
	l.options.MinBatch = enough
	var all []*asker
	gone := map[int]bool{} // before they were sent
	for i, act := range acts {
		switch {
		case act < 5:
			all = append(all, ask(t, l, i+1)...)
		case act == 5:
			all = append(all, ask(t, l, -i-1)...)
		case act == 6 && len(all) > 0:
			a := all[i%len(all)]
			if !a.done.Load() && !d.asked(a.n) {
				gone[a.n] = true
			}
			a.leave()
		case act == 7:
			release(d.holdAlone)
		default:
			release(d.holdGroups)
		}
		synctest.Wait()
		if n := len(l.waiting); n > 2*(n-l.abandoned) {
			complain("%d are in the queue after %v, of whom %d wait", n, acts[:i+1], n-l.abandoned)
		}
	}
	close(d.holdAlone)
	close(d.holdGroups)
	synctest.Wait()
	for _, a := range all {
		switch {
		case !a.done.Load():
			complain("%d was lost", a.n)
		case errors.Is(a.err, context.Canceled):
		case a.n < 0 && !errors.Is(a.err, errBadMember), a.n > 0 && (a.err != nil || a.answer != text(a.n)):
			complain("%d was answered %q, %v", a.n, a.answer, a.err)
		}
	}
	together := map[int]bool{}
	for _, group := range d.groups {
		if len(group) == 0 || len(group) > most {
			complain("a group of %d, at most %d are allowed", len(group), most)
		}
		for _, n := range group {
			if together[n] || gone[n] {
				complain("%d was asked for in a second group, or after it had left", n)
			}
			together[n] = true
		}
	}
	if d.most > workers {
		complain("%d workers at once, %d are allowed", d.most, workers)
	}
	if len(l.waiting) != 0 || l.abandoned != 0 || l.single != 0 || l.busy != 0 {
		complain("left behind: %d in the queue, %d who left, %d alone, %d workers", len(l.waiting), l.abandoned, l.single, l.busy)
	}
	return failures
}

func release(hold chan struct{}) {
	select {
	case hold <- struct{}{}:
	default:
	}
}

// For the race detector, on the real clock.
func TestAsk_ManyAtOnce(t *testing.T) {
	t.Parallel()
	d := &desk{}
	l := d.batcher(2, 16)
	var all sync.WaitGroup
	for worker := range 64 {
		all.Go(func() {
			for i := range 200 {
				n := worker*1000 + i + 1
				ctx, leave := context.WithCancel(t.Context())
				if i%7 == 0 {
					leave()
				}
				if i%11 == 0 {
					n = -n
				}
				answer, err := l.Ask(ctx, n)
				leave()
				switch {
				case errors.Is(err, context.Canceled):
				case n < 0 && !errors.Is(err, errBadMember), n > 0 && (err != nil || answer != text(n)):
					t.Errorf("%d was answered %q, %v", n, answer, err)
				}
			}
		})
	}
	all.Wait()
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.single != 0 || len(l.waiting) != 0 {
		t.Errorf("left behind: %d alone, %d in the queue", l.single, len(l.waiting))
	}
}

func BenchmarkAsk(b *testing.B) {
	o := Options[int, int]{
		Workers: 2, MinBatch: 16, MaxBatch: 128, Timeout: time.Second, Isolate: func(error) bool { return false },
		One: func(_ context.Context, n int) (int, error) { return n, nil },
	}
	b.Run("alone", func(b *testing.B) {
		l := New(o)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Ask(b.Context(), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("gathered", func(b *testing.B) {
		var groups, hang atomic.Int64
		hold := make(chan struct{})
		o := o
		o.Many = func(_ context.Context, questions []int) ([]int, error) {
			groups.Add(1)
			<-time.After(100 * time.Microsecond) // as a statement takes
			return questions, nil
		}
		o.One = func(_ context.Context, n int) (int, error) {
			if hang.Add(1) == 1 {
				<-hold // so that later calls find one under way
			}
			return n, nil
		}
		l := New(o)
		go func() { _, _ = l.Ask(context.Background(), 0) }()
		for hang.Load() == 0 {
			<-time.After(time.Millisecond)
		}
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if _, err := l.Ask(b.Context(), 1); err != nil {
					b.Error(err)
				}
			}
		})
		close(hold)
		b.ReportMetric(float64(b.N)/float64(groups.Load()), "questions/group")
	})
}
