package token

// Fits exports fits.
type Fits struct{ f *fits }

// NewFits begins at FitUnknown.
func NewFits(report func(Fit)) Fits { return Fits{&fits{report: report}} }

// Foreign notes another project's token.
func (f Fits) Foreign() { f.f.foreign() }

// Fitted notes a fitting token.
func (f Fits) Fitted() { f.f.fitted() }
