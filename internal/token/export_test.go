package token

// Fits lets a test drive the state by itself.
type Fits struct{ f *fits }

// NewFits begins at FitUnknown.
func NewFits(report func(Fit)) Fits { return Fits{&fits{report: report}} }

// Foreign notes a token for another project.
func (f Fits) Foreign() { f.f.foreign() }

// Fitted notes a token that fits.
func (f Fits) Fitted() { f.f.fitted() }
