package clock

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

type machine struct{ now time.Time }

func (m *machine) Now() time.Time { return m.now }

func newMachine() *machine { return &machine{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (m *machine) readPostgreSQL(c *Clocks, ahead time.Duration) {
	c.ReadPostgreSQL(m.now.Add(-10*time.Millisecond), m.now, m.now.Add(ahead-5*time.Millisecond))
}

func (m *machine) readFirebase(c *Clocks, ahead time.Duration) {
	date := m.now.Add(ahead - 25*time.Millisecond).Format(http.TimeFormat)
	c.ReadFirebase(m.now.Add(-50*time.Millisecond), m.now, http.Header{"Date": {date}})
}

// T2.
func TestNow_IsTheMedianOfThreeClocks_T8(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct{ postgresql, firebase, want time.Duration }{
		"all agree":                         {0, 0, 0},
		"PostgreSQL is a day ahead":         {day, 0, 0},
		"PostgreSQL is a day behind":        {-day, 0, 0},
		"Firebase is a day ahead":           {0, day, 0},
		"Firebase is a day behind":          {0, -day, 0},
		"this machine is a day behind":      {day, day, day},
		"this machine is five minutes fast": {-5 * time.Minute, -5 * time.Minute, -5 * time.Minute},
		"all differ":                        {time.Minute, 3 * time.Minute, time.Minute},
	} {
		m := newMachine()
		clocks := New(Options{Now: m.Now})
		for range 3 {
			m.readPostgreSQL(clocks, c.postgresql)
			m.readFirebase(clocks, c.firebase)
			m.now = m.now.Add(time.Second)
		}
		if got := clocks.Now().Sub(m.now); (got - c.want).Abs() > time.Second {
			t.Errorf("%s: Now is %s ahead of this machine's clock, expected %s", name, got, c.want)
		}
	}
}

func TestNow_BeforeTheFirstReadings(t *testing.T) {
	t.Parallel()
	m := newMachine()
	clocks := New(Options{Now: m.Now})
	if got := clocks.Now().Sub(m.now); got != 0 {
		t.Errorf("nothing read: %s", got)
	}
	if e := clocks.Ending(time.Time{}, time.Time{}); !e.FirebaseUntil.Equal(m.now) || e.FirebaseLead != 0 || e.LegacyLead != 0 {
		t.Errorf("nothing read: %+v, expected what covers this machine's clock and PostgreSQL's", e)
	}
	m.readPostgreSQL(clocks, time.Hour)
	if got := clocks.Now().Sub(m.now); (got - time.Hour).Abs() > time.Second {
		t.Errorf("PostgreSQL read: %s, expected its hour", got)
	}
}

func TestEnding_AnAbsurdDateMovesNoRevocationFar_T4(t *testing.T) {
	t.Parallel()
	for _, date := range []string{
		"Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "", "tomorrow",
		"Sun, 01 Mar 2026 12:04:00 GMT", "Sun, 01 Mar 2026 11:56:00 GMT",
	} {
		for _, age := range []string{"", "9", "2147483647", "-1", "99999999999999999999"} {
			m := newMachine()
			clocks := New(Options{Now: m.Now})
			m.readPostgreSQL(clocks, 0)
			for range 5 {
				clocks.ReadFirebase(m.now, m.now, http.Header{"Date": {date}, "Age": {age}})
			}
			if lead := clocks.FirebaseLead(); lead > Bound.Seconds()+2 || lead < -Bound.Seconds()-2 {
				t.Errorf("Date %q, Age %q: a revocation is %f s from PostgreSQL's clock", date, age, lead)
			}
			if lead := clocks.LegacyLead(); lead > 1 || lead < -1 {
				t.Errorf("Date %q, Age %q: legacy tokens are judged %f s from two clocks that agree", date, age, lead)
			}
			clocks.TokenSeen(m.now.Add(-time.Second))
			if lead := clocks.FirebaseLead(); lead < -1.1 {
				t.Errorf("Date %q, Age %q: a revocation is %f s from PostgreSQL's clock, before a token that Firebase has signed", date, age, lead)
			}
		}
	}
}

func TestEstimate_IsSmoothAndFollowsAChange(t *testing.T) {
	t.Parallel()
	m := newMachine()
	clocks := New(Options{Now: m.Now})
	m.readPostgreSQL(clocks, 0)
	for range 40 {
		m.readFirebase(clocks, 20*time.Second)
		m.now = m.now.Add(1130 * time.Millisecond)
	}
	precise := func(want time.Duration) bool {
		return (clocks.FirebaseNow().Sub(m.now) - want).Abs() < 100*time.Millisecond
	}
	if !precise(20*time.Second) || clocks.Precision() > 300*time.Millisecond {
		t.Fatalf("after 40 readings: %s ahead, to %s, expected 20 s to 0.3 s", clocks.FirebaseNow().Sub(m.now), clocks.Precision())
	}
	m.readFirebase(clocks, -time.Hour)
	m.readFirebase(clocks, time.Hour)
	m.readFirebase(clocks, 20*time.Second)
	if !precise(20 * time.Second) {
		t.Errorf("after two absurd readings: %s ahead, expected 20 s still", clocks.FirebaseNow().Sub(m.now))
	}
	for range 3 {
		m.readFirebase(clocks, 40*time.Second)
	}
	if ahead := clocks.FirebaseNow().Sub(m.now); (ahead - 40*time.Second).Abs() > time.Second {
		t.Errorf("after three readings of another offset: %s ahead, expected 40 s", ahead)
	}
}

func TestEnding_CoversTheTokenThatAsks_T4(t *testing.T) {
	t.Parallel()
	m := newMachine()
	clocks := New(Options{Now: m.Now})
	m.readPostgreSQL(clocks, 0)
	for name, ahead := range map[string]time.Duration{
		"an old one": -time.Hour, "one of now": 0, "one a little ahead": 50 * time.Second, "one that was not verified": 8000 * 24 * time.Hour,
	} {
		at := m.now.Add(ahead)
		firebase, legacy := clocks.Ending(at, time.Time{}), clocks.Ending(time.Time{}, at)
		if latest := m.now.Add(TokenSkew); firebase.FirebaseUntil.After(latest) || ahead <= TokenSkew && firebase.FirebaseUntil.Before(at) {
			t.Errorf("a token of Firebase's, %s: until %s ahead", name, firebase.FirebaseUntil.Sub(m.now))
		}
		if latest := m.now.Add(TokenSkew); legacy.LegacyUntil.After(latest) || ahead <= TokenSkew && legacy.LegacyUntil.Before(at) {
			t.Errorf("a legacy token, %s: until %s ahead", name, legacy.LegacyUntil.Sub(m.now))
		}
	}
}

func TestClocks_SayWhenOneIsApart(t *testing.T) {
	t.Parallel()
	m := newMachine()
	var log bytes.Buffer
	readings := map[string]time.Duration{}
	clocks := New(Options{
		Now: m.Now, Logger: slog.New(slog.NewJSONHandler(&log, nil)), Observe: func(clock string, ahead time.Duration) { readings[clock] = ahead },
	})
	said := func() int { return strings.Count(log.String(), "\n") }
	m.readPostgreSQL(clocks, 0)
	m.readFirebase(clocks, 0)
	if said() != 0 || clocks.Skew() != nil || clocks.Outvoted() != nil {
		t.Fatalf("clocks that agree: %s, %v, %v", log.String(), clocks.Skew(), clocks.Outvoted())
	}
	for range 5 {
		m.readPostgreSQL(clocks, 2*time.Minute)
	}
	if said() != 1 || !strings.Contains(log.String(), `"clock":"postgresql"`) || clocks.Skew() == nil || clocks.Outvoted() != nil {
		t.Errorf("PostgreSQL apart: said %s, %v, %v: expected one line, a skew, and ready", log.String(), clocks.Skew(), clocks.Outvoted())
	}
	if readings[PostgreSQL].Round(time.Second) != 2*time.Minute {
		t.Errorf("PostgreSQL apart: observed %s", readings[PostgreSQL])
	}
	for range 5 {
		m.readFirebase(clocks, 2*time.Minute)
	}
	if said() != 2 || clocks.Outvoted() == nil {
		t.Errorf("this machine apart: said %s, %v: expected a second line, and not ready", log.String(), clocks.Outvoted())
	}
	for range 5 {
		m.readFirebase(clocks, 0)
		m.readPostgreSQL(clocks, 0)
	}
	if said() != 4 || clocks.Skew() != nil || clocks.Outvoted() != nil {
		t.Errorf("all agree again: said %s, %v, %v: expected two more lines", log.String(), clocks.Skew(), clocks.Outvoted())
	}
}

func TestClocks_ForgetReadingsWhenTheMachinesClockIsSet(t *testing.T) {
	t.Parallel()
	m := newMachine()
	clocks := New(Options{Now: m.Now})
	clocks.elapsed = func(time.Time) time.Duration { return 0 }
	m.readPostgreSQL(clocks, time.Hour)
	m.readFirebase(clocks, time.Hour)
	if ahead := clocks.Now().Sub(m.now); (ahead - time.Hour).Abs() > time.Second {
		t.Fatalf("before the clock is set: %s ahead, expected an hour", ahead)
	}
	m.now = m.now.Add(time.Hour)
	if e := clocks.Ending(time.Time{}, time.Time{}); !e.FirebaseUntil.Equal(m.now) || !clocks.Now().Equal(m.now) {
		t.Errorf("after the clock was set: until %s, now %s, expected this machine's new time %s", e.FirebaseUntil, clocks.Now(), m.now)
	}
}
