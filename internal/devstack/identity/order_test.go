package identity

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestUIDOrder_AgreesWithASortedList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var order uidOrder
	known := map[string]bool{}
	for step := range 20_000 {
		uid := fmt.Sprintf("%04d", random.IntN(5000))
		if random.IntN(3) == 0 || step > 12_000 {
			order.remove(uid)
			delete(known, uid)
		} else {
			order.insert(uid)
			known[uid] = true
		}
		if step%1000 != 0 {
			continue
		}
		want := make([]string, 0, len(known))
		for uid := range known {
			want = append(want, uid)
		}
		slices.Sort(want)
		if got := slices.Collect(order.after("")); !slices.Equal(got, want) {
			t.Fatalf("step %d: %d uids, want %d in order", step, len(got), len(want))
		}
		above, _ := slices.BinarySearch(want, uid+"\x00")
		if got := slices.Collect(order.after(uid)); !slices.Equal(got, want[above:]) {
			t.Fatalf("step %d: after %s begins %.3v, want %.3v", step, uid, got, want[above:])
		}
	}
	for uid := range known {
		order.remove(uid)
	}
	if len(order.chunks) != 0 {
		t.Errorf("%d chunks are left of nothing", len(order.chunks))
	}
}

func TestStore_PagesNeedOnlyTheirOwnAccounts(t *testing.T) {
	s := newStore()
	for i := range 100_000 {
		s.put(account{LocalID: fmt.Sprintf("%06d", i*7919%100_000)})
	}
	allocated := testing.AllocsPerRun(10, func() {
		page := s.page("050000", 1000)
		if len(page) != 1000 || page[0].LocalID != "050001" || page[999].LocalID != "051000" {
			t.Fatalf("the page is %d accounts from %s", len(page), page[0].LocalID)
		}
	})
	if allocated > 10 {
		t.Errorf("a page of 100,000 accounts takes %v allocations", allocated)
	}
}
