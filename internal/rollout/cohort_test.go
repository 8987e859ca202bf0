package rollout_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"auth-v2-service/internal/rollout"
)

// R1: computed by another program.
func TestBucket_IsForEver_R1(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{
		"00000000-0000-0000-0000-000000000000": 4069,
		"00000000-0000-0000-0000-000000000001": 1211,
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8": 7811,
		"0b6f3c3e-8a52-4b9e-9a41-6f1f2d8a7c11": 8323,
		"ffffffff-ffff-ffff-ffff-ffffffffffff": 4777,
	} {
		if got := rollout.Bucket(uuid.MustParse(id)); got != want {
			t.Errorf("R1: %s is in bucket %d, expected %d", id, got, want)
		}
	}
}

// R1
func TestBucket_SpreadsEvenly(t *testing.T) {
	t.Parallel()
	const people, parts = 200_000, 100
	for name, idOf := range map[string]func(n uint64) (id uuid.UUID){
		"counted":         func(n uint64) (id uuid.UUID) { binary.BigEndian.PutUint64(id[8:], n); return id },
		"of a time stamp": func(n uint64) (id uuid.UUID) { binary.BigEndian.PutUint64(id[:], n<<16|0x7000); return id },
		"random": func(n uint64) uuid.UUID {
			return uuid.NewSHA1(uuid.NameSpaceOID, binary.BigEndian.AppendUint64(nil, n))
		},
	} {
		var counts [parts]float64
		for n := range uint64(people) {
			counts[rollout.Bucket(idOf(n))*parts/rollout.Full]++
		}
		chiSquared, expected := 0.0, float64(people)/parts
		for _, count := range counts {
			chiSquared += (count - expected) * (count - expected) / expected
		}
		if math.Abs(chiSquared-(parts-1)) > 4*math.Sqrt(2*(parts-1)) {
			t.Errorf("R1: ids %s spread with chi squared %.0f over %d parts", name, chiSquared, parts)
		}
	}
}

func anyID() *rapid.Generator[uuid.UUID] {
	return rapid.Custom(func(t *rapid.T) uuid.UUID {
		id, err := uuid.FromBytes(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if err != nil {
			t.Fatal(err)
		}
		return id
	})
}

func anyCohort() *rapid.Generator[rollout.Cohort] {
	return rapid.Custom(func(t *rapid.T) rollout.Cohort {
		share := rapid.OneOf(rapid.IntRange(0, rollout.Full), rapid.Just(rollout.Full))
		return rollout.Cohort{
			UsersBuckets: share.Draw(t, "users"), TrafficBuckets: share.Draw(t, "traffic"),
			BelowFullTraffic: rapid.Bool().Draw(t, "below"), Allowed: rapid.Bool().Draw(t, "allowed"), Denied: rapid.Bool().Draw(t, "denied"),
		}
	})
}

// R1
func TestCohort_MoreMovesNobodyOut_R1(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id, c := anyID().Draw(t, "row"), anyCohort().Draw(t, "cohort")
		more := c
		more.UsersBuckets = rapid.IntRange(c.UsersBuckets, rollout.Full).Draw(t, "more users")
		more.TrafficBuckets = rapid.IntRange(c.TrafficBuckets, rollout.Full).Draw(t, "more traffic")
		more.BelowFullTraffic = c.BelowFullTraffic || rapid.Bool().Draw(t, "insist")
		more.Allowed = c.Allowed || rapid.Bool().Draw(t, "allow")
		if c.Holds(id) && !more.Holds(id) {
			t.Errorf("R1: %s is in %+v and not in %+v", id, c, more)
		}
	})
}

// R2, R3
func TestCohort_Order_R2_R3(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id, c := anyID().Draw(t, "row"), anyCohort().Draw(t, "cohort")
		holds := c.Holds(id)
		switch {
		case c.TrafficBuckets < rollout.Full && !c.BelowFullTraffic:
			if holds {
				t.Errorf("R2: %+v holds somebody below full traffic", c)
			}
		case c.Denied:
			if holds {
				t.Errorf("R3: %+v holds somebody denied", c)
			}
		case c.Allowed:
			if !holds {
				t.Errorf("R3: %+v lacks somebody allowed", c)
			}
		case holds != (rollout.Bucket(id) < c.UsersBuckets):
			t.Errorf("R1: %+v holds %s of bucket %d: %t", c, id, rollout.Bucket(id), holds)
		}
	})
}

// R1
func TestCohort_TheEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := anyID().Draw(t, "row")
		nobody, all := rollout.Cohort{TrafficBuckets: rollout.Full}, rollout.Cohort{TrafficBuckets: rollout.Full, UsersBuckets: rollout.Full}
		if nobody.Holds(id) || !all.Holds(id) {
			t.Errorf("R1: %s is in 0 %%: %t, in 100 %%: %t", id, nobody.Holds(id), all.Holds(id))
		}
		edge := rollout.Cohort{TrafficBuckets: rollout.Full, UsersBuckets: rollout.Bucket(id)}
		before := edge.Holds(id)
		if edge.UsersBuckets++; before || !edge.Holds(id) {
			t.Errorf("R1: bucket %d is in below its edge: %t, above: %t", rollout.Bucket(id), before, edge.Holds(id))
		}
	})
}

func TestRecord_Cohort(t *testing.T) {
	t.Parallel()
	allowed, denied, both := uuid.New(), uuid.New(), uuid.New()
	r := rollout.Record{
		UsersBuckets: 1, TrafficBuckets: 9_999, BelowFullTraffic: true,
		Allow: []uuid.UUID{allowed, both}, Deny: []uuid.UUID{denied, both},
	}
	for id, want := range map[uuid.UUID][2]bool{allowed: {true, false}, denied: {false, true}, both: {true, true}, uuid.New(): {false, false}} {
		c := r.Cohort(id)
		if c != (rollout.Cohort{UsersBuckets: 1, TrafficBuckets: 9_999, BelowFullTraffic: true, Allowed: want[0], Denied: want[1]}) {
			t.Errorf("R3: %s is %+v, expected listed %v", id, c, want)
		}
	}
	if r.Idle() || !r.MovesAnybody() {
		t.Errorf("R2: %+v is idle: %t", r, r.Idle())
	}
	if r.BelowFullTraffic = false; !r.Idle() {
		t.Errorf("R2: %+v is not idle", r)
	}
}
