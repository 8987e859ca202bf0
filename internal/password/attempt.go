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
	// Scrypt is ScryptWork's, 0 without such hashes.
	Scrypt int
}

func (c Ceilings) usualRounds() int { return roundsOf(c.Usual) }

func roundsOf(ceiling int) int {
	if ceiling == 0 {
		return 0
	}
	return 1 << ceiling
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
		return a.verify(ctx, a.h.usual, cost, a.ceilings.Usual, a.ceilings.Scrypt, hash, password)
	}
	if err := a.fillUsual(ctx); err != nil {
		return err
	}
	a.heavy = true
	return a.verify(ctx, a.h.heavy, cost, a.ceilings.Heavy, 0, hash, password)
}

func (a *Attempt) verify(ctx context.Context, l lane, cost, ceiling, scrypt int, hash, password string) error {
	_, err := compute(ctx, a.h, l, 1<<max(cost, ceiling)+scrypt, func() (struct{}, error) {
		err := a.h.check(l, cost, hash, password)
		if err != nil && ceiling > cost {
			a.h.spend(l, 1<<ceiling-1<<cost)
		}
		if err != nil {
			a.h.spendScrypt(scrypt)
		}
		return struct{}{}, err
	})
	return err
}

// Refuse does the remaining work or returns ErrBusy.
func (a *Attempt) Refuse(ctx context.Context) error {
	if err := a.fillUsual(ctx); err != nil {
		return err
	}
	return a.fill(ctx, &a.heavy, a.h.heavy, roundsOf(a.ceilings.Heavy), 0)
}

func (a *Attempt) fillUsual(ctx context.Context) error {
	return a.fill(ctx, &a.usual, a.h.usual, a.ceilings.usualRounds(), a.ceilings.Scrypt)
}

func (a *Attempt) fill(ctx context.Context, done *bool, l lane, rounds, scrypt int) error {
	if *done || rounds+scrypt == 0 {
		return nil
	}
	*done = true
	_, err := compute(ctx, a.h, l, rounds+scrypt, func() (struct{}, error) {
		a.h.spend(l, rounds)
		a.h.spendScrypt(scrypt)
		return struct{}{}, nil
	})
	return err
}

// Time returns a refusal's shortest time.
func (a *Attempt) Time() time.Duration {
	return a.h.timeOf(a.ceilings.usualRounds() + roundsOf(a.ceilings.Heavy) + a.ceilings.Scrypt)
}

func (h *Hasher) spend(l lane, rounds int) {
	for ; rounds != 0; rounds &= rounds - 1 {
		cost := bits.TrailingZeros(uint(rounds))
		_ = h.check(l, cost, fmt.Sprintf("$2a$%02d$%s", cost, noHash), "")
	}
}

var noHash = strings.Repeat(".", 53)
