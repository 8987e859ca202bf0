package password

import (
	"context"
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Ceilings are the highest costs that a sign-in can meet.
type Ceilings struct {
	Usual int
	Heavy int
}

// Attempt is one sign-in. After Refuse it has always cost the ceilings' work, so neither time nor load shows whether an account exists
// (A3). For one goroutine.
type Attempt struct {
	h        *Hasher
	ceilings Ceilings
	usual    bool
	heavy    bool
}

// Attempt begins a sign-in.
func (h *Hasher) Attempt() *Attempt { return &Attempt{h: h} }

// Expect sets a refusal's work, before Verify.
func (a *Attempt) Expect(c Ceilings) { a.ceilings = c }

// Verify is Hasher.Verify.
func (a *Attempt) Verify(ctx context.Context, hash, password string) error {
	cost, err := CostOf(hash)
	switch {
	case err != nil:
		return err
	case cost > a.h.maxCost:
		return ErrTooCostly
	case cost <= UsualCost:
		a.usual = true
		return a.verify(ctx, a.h.usual, cost, a.ceilings.Usual, hash, password)
	}
	if err := a.fill(ctx, &a.usual, a.h.usual, a.ceilings.Usual); err != nil {
		return err
	}
	a.heavy = true
	return a.verify(ctx, a.h.heavy, cost, a.ceilings.Heavy, hash, password)
}

func (a *Attempt) verify(ctx context.Context, l lane, cost, ceiling int, hash, password string) error {
	_, err := compute(ctx, a.h, l, 1<<max(cost, ceiling), func() (struct{}, error) {
		err := a.h.check(l, cost, hash, password)
		if err != nil && ceiling > cost {
			a.h.spend(l, 1<<ceiling-1<<cost)
		}
		return struct{}{}, err
	})
	return err
}

// Refuse does the remaining work or returns ErrBusy.
func (a *Attempt) Refuse(ctx context.Context) error {
	if err := a.fill(ctx, &a.usual, a.h.usual, a.ceilings.Usual); err != nil {
		return err
	}
	return a.fill(ctx, &a.heavy, a.h.heavy, a.ceilings.Heavy)
}

func (a *Attempt) fill(ctx context.Context, done *bool, l lane, ceiling int) error {
	if *done || ceiling == 0 {
		return nil
	}
	*done = true
	_, err := compute(ctx, a.h, l, 1<<ceiling, func() (struct{}, error) {
		a.h.spend(l, 1<<ceiling)
		return struct{}{}, nil
	})
	return err
}

// Time returns a refusal's shortest time.
func (a *Attempt) Time() time.Duration {
	var rounds int
	for _, cost := range []int{a.ceilings.Usual, a.ceilings.Heavy} {
		if cost > 0 {
			rounds += 1 << cost
		}
	}
	return a.h.timeOf(rounds)
}

func (h *Hasher) spend(l lane, rounds int) {
	for ; rounds != 0; rounds &= rounds - 1 {
		cost := bits.TrailingZeros(uint(rounds))
		_ = h.check(l, cost, fmt.Sprintf("$2a$%02d$%s", cost, noHash), "")
	}
}

var noHash = strings.Repeat(".", 53)
