package user

import (
	"math/bits"
	"sync/atomic"
)

// missRate estimates whether most recent tokens had no row, as after a launch. A look-up before each insert would then be wasted. A wrong
// guess only costs time.
type missRate struct{ last atomic.Uint64 } // one bit each of the last 64: 1 had no row

// highMissRate is high because a wrong guess costs a useless INSERT, much more than a saved look-up.
const highMissRate = 60

func (n *missRate) high() bool { return bits.OnesCount64(n.last.Load()) >= highMissRate }

// A concurrent record may be lost.
func (n *missRate) record(sight Sight) {
	before := n.last.Load()
	after := before << 1
	if sight != SightKnown {
		after |= 1
	}
	n.last.CompareAndSwap(before, after)
}

func (n *missRate) reset() { n.last.Store(0) }
