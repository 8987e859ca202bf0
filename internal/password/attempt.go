package password

import (
	"context"
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Ceilings are the highest costs among the hashes that a sign-in might meet. 0: no hash has such a cost.
type Ceilings struct {
	Usual int // up to UsualCost
	Heavy int // above UsualCost, up to the bound
}

// Attempt is one sign-in with a password. After Refuse it has cost the work of the ceilings, each lane's in one place, in the same
// order, whether there was no hash to check, one of any cost, or a text that is none: neither its time nor what it makes others
// wait for tells that an account exists (A3). An Attempt is used by one goroutine.
type Attempt struct {
	h        *Hasher
	ceilings Ceilings
	usual    bool // the usual lane's work is done
	heavy    bool
}

// Attempt begins a sign-in.
func (h *Hasher) Attempt() *Attempt { return &Attempt{h: h} }

// Expect sets the work that a refusal costs. It comes before Verify.
func (a *Attempt) Expect(c Ceilings) { a.ceilings = c }

// Verify is Hasher.Verify for this sign-in.
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

// verify checks the hash and, where it does not fit, does what is left to the ceiling before the place is given up.
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

// Refuse does what work is left of a refused sign-in. The error is ErrBusy.
func (a *Attempt) Refuse(ctx context.Context) error {
	if err := a.fill(ctx, &a.usual, a.h.usual, a.ceilings.Usual); err != nil {
		return err
	}
	return a.fill(ctx, &a.heavy, a.h.heavy, a.ceilings.Heavy)
}

// fill does a lane's work where no hash was checked there.
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

// Time is what the work of a refusal takes on this machine at best.
func (a *Attempt) Time() time.Duration {
	var rounds int
	for _, cost := range []int{a.ceilings.Usual, a.ceilings.Heavy} {
		if cost > 0 {
			rounds += 1 << cost
		}
	}
	return a.h.timeOf(rounds)
}

// spend does bcrypt's work of so many rounds, for nothing: a comparison for each power of two in them.
func (h *Hasher) spend(l lane, rounds int) {
	for ; rounds != 0; rounds &= rounds - 1 {
		cost := bits.TrailingZeros(uint(rounds))
		_ = h.check(l, cost, fmt.Sprintf("$2a$%02d$%s", cost, noHash), "")
	}
}

// noHash is a salt and a hash of zeros, which no known password has.
var noHash = strings.Repeat(".", 53)
