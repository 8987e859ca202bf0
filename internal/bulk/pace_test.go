package bulk

import (
	"testing"
	"testing/synctest"
	"time"
)

// One incident of Firebase's quota stops all lanes.
func TestPace_HalvesOnceAnIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(800, 800, 0, 1)
		time.Sleep(time.Second)
		began := time.Now()
		for range 4 {
			time.Sleep(10 * time.Millisecond)
			p.halve(began)
		}
		if pace := p.current(); pace != 400 {
			t.Errorf("four lanes halved to %g, expected 400", pace)
		}
		began = time.Now()
		time.Sleep(10 * time.Millisecond)
		if p.halve(began); p.current() != 200 {
			t.Errorf("the next incident halved to %g, expected 200", p.current())
		}
	})
}

func TestPace_ClimbsDuringAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1000, 999, 4, 1)
		if err := p.wait(t.Context(), 999); err != nil { // the burst
			t.Fatal(err)
		}
		began := time.Now()
		if err := p.wait(t.Context(), 999); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Minute || p.current() < 12 {
			t.Errorf("999 users waited %s, now at %g a second", took, p.current())
		}
	})
}

func TestPace_KeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(50, 50, 0, 1)
		began := time.Now()
		for range 11 {
			if err := p.wait(t.Context(), 50); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("500 users after the first 50 waited %s", took)
		}
	})
}
