package conformance

import (
	"net/http/httptest"
	"slices"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/devstack/identity/official"
)

// behaviour is a result line at Firebase, observed on an empty project.
type behaviour struct {
	name     string
	firebase string
	observe  func(s subject) string
}

func behaviours() []behaviour {
	return slices.Concat(
		signUpBehaviours, adminCreateBehaviours, signInBehaviours, lookupBehaviours, updateBehaviours, adminUpdateBehaviours,
		deleteBehaviours, refreshBehaviours, tokenBehaviours, importBehaviours, bulkBehaviours, exportBehaviours, mailBehaviours, customBehaviours,
		factorBehaviours, edgeBehaviours, suiteBehaviours(),
	)
}

type side struct {
	name     string
	base     string
	listed   func(Difference) string
	pristine pristine
}

func TestConformance(t *testing.T) {
	checkTable(t)
	sides := []side{
		{name: "ours", base: startOurs(t), listed: func(d Difference) string { return d.Ours }},
		{name: "emulator", base: startEmulator(t), listed: func(d Difference) string { return d.Emulator }},
	}
	for _, side := range sides {
		t.Run(side.name, func(t *testing.T) { side.run(t) })
	}
}

func (x side) run(t *testing.T) {
	same, different, passedOf := 0, 0, map[string]int{}
	s := subject{t: t, base: x.base}
	x.pristine.config = s.call("GET", configPath, nil, "").must().body
	x.pristine.mails = s.call("GET", codesPath, nil, "").must().body
	for _, b := range behaviours() {
		want, listed := b.firebase, false
		if d, known := Differences[b.name]; known && x.listed(d) != "" {
			want, listed = x.listed(d), true
		}
		passed := t.Run(b.name, func(t *testing.T) { x.check(t, b, want, listed) })
		if file := suiteOf(b.name); passed && file != "" {
			passedOf[file]++
		}
		switch {
		case passed && listed:
			different++
		case passed:
			same++
		}
	}
	t.Logf("%s: %d behaviours, %d as Firebase, %d listed differences; after the emulator's own suites: %v",
		x.name, len(behaviours()), same, different, passedOf)
}

func (x side) check(t *testing.T, b behaviour, want string, listed bool) {
	s := subject{t: t, base: x.base, pristine: x.pristine}
	s.reset()
	got := b.observe(s)
	switch {
	case got == want:
	case listed && got == b.firebase:
		t.Errorf("the difference no longer shows: %s does as Firebase, %q; take it out of Differences", x.name, got)
	default:
		t.Errorf("%s answers\n  %s\nexpected\n  %s", x.name, got, want)
	}
}

func checkTable(t *testing.T) {
	t.Helper()
	firebase := map[string]string{}
	for _, b := range behaviours() {
		if _, twice := firebase[b.name]; twice {
			t.Errorf("two behaviours are called %q", b.name)
		}
		firebase[b.name] = b.firebase
	}
	for name, d := range Differences {
		want, known := firebase[name]
		switch {
		case !known:
			t.Errorf("difference %q is of no behaviour", name)
		case d.Why == "" || d.Emulator == "" && d.Ours == "":
			t.Errorf("difference %q must say who differs, and why", name)
		case d.Emulator == want || d.Ours == want:
			t.Errorf("difference %q is none", name)
		}
	}
}

func startOurs(t *testing.T) string {
	t.Helper()
	p, err := identity.New(identity.Options{ProjectID: projectID, KeyCount: 1, ScryptMemoryCost: 4, MaxFailures: wrongPasswords})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return server.URL
}

// startEmulator's first installation takes 30 s.
func startEmulator(t *testing.T) string {
	t.Helper()
	emulator, err := official.Start(t.Context(), official.Options{ProjectID: projectID})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := emulator.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return "http://" + emulator.Host
}
