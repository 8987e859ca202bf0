package user

import (
	"math/bits"
	"sync/atomic"
)

// missRate remembers whether those who came last had a row. In the hours after a platform has opened this door hardly anybody has:
// to look for each first would cost everybody a statement, and the wait for it.
//
// A guess and no more: who is known after all is looked for then, and gets their row a little later.
type missRate struct{ last atomic.Uint64 } // a bit each of the last 64: 1 had none

// highMissRate is how many of the last 64 had no row where the next is taken for one of them. Each who is known after all waits for
// an INSERT that makes them no row, which is many times what a newcomer spares.
const highMissRate = 60

func (n *missRate) high() bool { return bits.OnesCount64(n.last.Load()) >= highMissRate }

// record notes who has come. Of two who come at once one may be forgotten.
func (n *missRate) record(sight Sight) {
	before := n.last.Load()
	after := before << 1
	if sight != SightKnown {
		after |= 1
	}
	n.last.CompareAndSwap(before, after)
}

// reset has everybody looked for again.
func (n *missRate) reset() { n.last.Store(0) }
