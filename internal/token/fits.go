package token

import (
	"strings"
	"sync/atomic"
)

// Fit is what a verifier knows of how the tokens that come fit its settings.
type Fit int32

// A verifier begins at FitUnknown. FitNone says that a token of Firebase's form has come for another project or tenant, and that no
// token has ever fitted: the settings may be at fault, and not the bearers. FitSome says that one has fitted, and is for ever.
const (
	FitUnknown Fit = iota
	FitNone
	FitSome
)

// fits keeps the state and reports each change of it once. Past the first token that fits, a token costs one atomic load.
type fits struct {
	state  atomic.Int32
	report func(Fit)
}

// foreign notes a token that is for another project or tenant.
func (f *fits) foreign() {
	if Fit(f.state.Load()) == FitUnknown && f.state.CompareAndSwap(int32(FitUnknown), int32(FitNone)) {
		f.report(FitNone)
	}
}

// fitted notes a token whose signature, project and tenant are right.
func (f *fits) fitted() {
	if Fit(f.state.Load()) != FitSome && Fit(f.state.Swap(int32(FitSome))) == FitNone {
		f.report(FitSome)
	}
}

// foreign says whether a payload is of Firebase's form, and for another project or tenant than v's. It is asked of tokens that were
// refused, before their signature was checked: it decides nothing but a line in the log.
func (p *firebasePayload) foreign(v *Verifier) bool {
	project, isFirebase := strings.CutPrefix(p.Issuer, firebaseIssuerPrefix)
	return isFirebase && p.Audience == project && (project != v.projectID || p.Firebase.Tenant != v.tenant)
}
