package rollback

import (
	"context"

	"github.com/google/uuid"

	"auth-v2-service/internal/user"
)

// Preview counts selected users at Firebase, before a return.
type Preview struct {
	// Users is Home and the sums of Staying and Failing.
	Users, Home int64
	// OldService can sign these in by itself: it knows no scrypt.
	OldService int64
	// Staying and Failing count by code; Named has examples.
	Staying, Failing map[string]int64
	Named            map[string][]uuid.UUID

	// Counts of what happened at Firebase.
	SignedIn         int64 // of imported accounts: Google shows their hash since
	PasswordsChanged int64 // later than here
	Linked           int64 // another provider beside the password
	AddressChanged   int64
	CreatedThere     int64
}

const namedExamples = 5

// Preview walks all accounts and writes nothing. Its memory does not grow.
func (r *Returner) Preview(ctx context.Context, c *Configs, holds func(id uuid.UUID) bool) (Preview, error) {
	p := Preview{Staying: map[string]int64{}, Failing: map[string]int64{}, Named: map[string][]uuid.UUID{}}
	for page := ""; ; {
		accounts, next, err := r.export(ctx, page)
		if err != nil {
			return p, err
		}
		if err := r.refresh(ctx, c, accounts); err != nil {
			return p, err
		}
		work, err := r.compare(ctx, Batch{Holds: holds}, accounts, c.known)
		if err != nil {
			return p, err
		}
		p.add(work)
		if next == "" || next == page {
			return p, nil
		}
		page = next
	}
}

func (p *Preview) add(w work) {
	for _, result := range w.results {
		switch result.Outcome {
		case Stays:
			p.Staying[result.Code]++
		default:
			p.Failing[result.Code]++
		}
		if len(p.Named[result.Code]) < namedExamples {
			p.Named[result.Code] = append(p.Named[result.Code], result.ID)
		}
		p.Users++
	}
	for _, c := range append(w.home, w.left...) {
		p.Users++
		p.Home++
		if c.HasPassword && c.Settled {
			p.OldService++
		}
	}
	for _, c := range w.seen {
		p.SignedIn += count(len(c.account.Hash) > 0 && c.FirebaseUID == c.ID.String() && c.AuthProvider == user.ProviderHybrid)
		p.PasswordsChanged += count(!c.Settled)
		p.Linked += count(c.account.HasPassword && len(c.account.Providers) > 1)
		p.AddressChanged += count(!sameAddress(c.ReturnCandidatesRow, c.account) && c.account.Email != "")
		p.CreatedThere += count(c.AuthProvider == user.ProviderFirebase)
	}
}

func count(is bool) int64 {
	if is {
		return 1
	}
	return 0
}
