package user

import (
	"math/bits"
	"sync/atomic"
)

// missRate estimates whether most recent tokens had no row, as after a launch. A wrong guess only costs time.
type missRate struct{ last atomic.Uint64 } // a bit each: 1 had no row

// High, because a wrong guess costs a useless INSERT.
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
