package password

import (
	"context"
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Ceilings are the highest costs that a sign-in can meet; 0 means none.
type Ceilings struct {
	Usual int
	Heavy int
}

// Attempt is one sign-in. After Refuse it has cost the ceilings' work in every case, in the same lanes and order, so neither its time nor
// its load shows whether an account exists (A3). Not safe for concurrent use.
type Attempt struct {
	h        *Hasher
	ceilings Ceilings
	usual    bool
	heavy    bool
}

// Attempt begins a sign-in.
func (h *Hasher) Attempt() *Attempt { return &Attempt{h: h} }

// Expect sets a refusal's work. Call it before Verify.
func (a *Attempt) Expect(c Ceilings) { a.ceilings = c }

// Verify checks a password like Hasher.Verify.
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

// verify spends the rest of the ceiling after a mismatch, before it frees the place.
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

// Refuse does a refusal's remaining work. The error is ErrBusy.
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

// Time returns the shortest time of a refusal's work on this machine.
func (a *Attempt) Time() time.Duration {
	var rounds int
	for _, cost := range []int{a.ceilings.Usual, a.ceilings.Heavy} {
		if cost > 0 {
			rounds += 1 << cost
		}
	}
	return a.h.timeOf(rounds)
}

// spend does rounds of bcrypt work for nothing: one comparison for each power of two.
func (h *Hasher) spend(l lane, rounds int) {
	for ; rounds != 0; rounds &= rounds - 1 {
		cost := bits.TrailingZeros(uint(rounds))
		_ = h.check(l, cost, fmt.Sprintf("$2a$%02d$%s", cost, noHash), "")
	}
}

var noHash = strings.Repeat(".", 53)
