package token

import (
	"strings"
	"sync/atomic"
)

// Fit tells whether received tokens match the settings.
type Fit int32

// FitUnknown is the first state. FitNone means that tokens came for another project or tenant and none has fitted. FitSome is final.
const (
	FitUnknown Fit = iota
	FitNone
	FitSome
)

// fits reports each change once.
type fits struct {
	state  atomic.Int32
	report func(Fit)
}

func (f *fits) foreign() {
	if Fit(f.state.Load()) == FitUnknown && f.state.CompareAndSwap(int32(FitUnknown), int32(FitNone)) {
		f.report(FitNone)
	}
}

func (f *fits) fitted() {
	if Fit(f.state.Load()) != FitSome && Fit(f.state.Swap(int32(FitSome))) == FitNone {
		f.report(FitSome)
	}
}

// foreign reports whether a refused payload is for another project or tenant. The signature is unchecked: it serves logs only.
func (p *firebasePayload) foreign(v *Verifier) bool {
	project, isFirebase := strings.CutPrefix(p.Issuer, firebaseIssuerPrefix)
	return isFirebase && p.Audience == project && (project != v.projectID || p.Firebase.Tenant != v.tenant)
}
