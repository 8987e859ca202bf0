package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The names of the measured clocks, as metrics and logs have them.
const (
	PostgreSQL = "postgresql"
	Firebase   = "firebase"
)

const (
	// TokenSkew is how far a verified token may be ahead of the time that it is verified by (T2).
	TokenSkew = time.Minute
	// Bound is how far another clock is believed to be ahead or behind. An absurd reading moves no revocation further than this.
	Bound = 5 * time.Minute
	// Notable is the skew from which on operators are told: a tenth of what tokens are allowed, less the precision of a Date header.
	Notable = 5 * time.Second

	// agreeing is how far this machine may be from the median of the clocks and still be the time of all.
	agreeing = time.Second
	// step is how far this machine's clock may get from its own monotonic one before the readings against it are void.
	step = 500 * time.Millisecond
)

// Options say what Clocks stand on. The zero value is good.
type Options struct {
	// Now is this machine's clock; nil: time.Now.
	Now func() time.Time
	// Logger receives a line when a clock begins or ceases to be Notable seconds apart from this machine's. Nil: no line.
	Logger *slog.Logger
	// Observe receives each reading: how far a clock is ahead of this machine's; for a metric. Nil: no call.
	Observe func(clock string, ahead time.Duration)
}

// Clocks measures the clocks and answers what follows. Safe for concurrent use. Until a clock has been read, nothing is compensated for
// it: a revocation then covers the later of PostgreSQL's clock and this machine's.
type Clocks struct {
	now     func() time.Time
	log     *slog.Logger
	observe func(clock string, ahead time.Duration)
	began   time.Time
	elapsed func(now time.Time) time.Duration // since began, by the monotonic clock
	offset  atomic.Int64                      // of Now from this machine's clock

	mu         sync.Mutex
	slipped    time.Duration // of this machine's clock from its monotonic one, when the readings began
	postgresql estimate
	firebase   estimate
	signed     time.Duration // how far Firebase is ahead of Now at least, by tokens that were verified
	notable    map[string]bool
}

// New makes clocks that have read nothing yet.
func New(o Options) *Clocks {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration) {}
	}
	c := &Clocks{now: o.Now, log: o.Logger, observe: o.Observe, began: o.Now(), signed: -Bound, notable: map[string]bool{}}
	c.elapsed = func(now time.Time) time.Duration { return now.Sub(c.began) }
	return c
}

// Machine is this machine's clock.
func (c *Clocks) Machine() time.Time { return c.now() }

// Now is the time that legacy tokens are issued by and that tokens of both kinds are judged by: the median of the three clocks, so
// that one wrong clock, whichever, moves no token. It is this machine's clock wherever that is within a second of the median. With Firebase
// not read yet it is PostgreSQL's where the two differ, because all instances share that one. It costs one atomic load.
func (c *Clocks) Now() time.Time { return c.now().Add(time.Duration(c.offset.Load())) }

// FirebaseNow is Firebase's time, for comparing with what Firebase has dated; Now where Firebase has not been read, or is further apart
// than Bound.
func (c *Clocks) FirebaseNow() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	offset := time.Duration(c.offset.Load())
	if lead := c.firebase.middle(now) - offset; c.firebase.measured && believed(lead) {
		offset += lead
	}
	return now.Add(offset)
}

// PostgreSQLNow is PostgreSQL's time, for comparing with what its clock has dated; this machine's where it has not been read.
func (c *Clocks) PostgreSQLNow() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	return now.Add(c.postgresql.middle(now))
}

// believed says whether an offset is within Bound, as precisely as a Date header says it.
func believed(lead time.Duration) bool { return lead.Abs() <= Bound+time.Second }

// Precision is how far the offset of Firebase's clock may be from what is compensated; none where nothing is.
func (c *Clocks) Precision() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	lo, hi := c.firebase.interval(now)
	if !c.firebase.measured || lo <= 0 && hi >= 0 {
		return 0
	}
	return hi - lo
}

// ReadPostgreSQL takes what PostgreSQL's clock said in a query that was sent and answered at these moments of Machine.
func (c *Clocks) ReadPostgreSQL(sent, received, said time.Time) {
	c.read(PostgreSQL, said.Sub(received), said.Sub(sent))
}

// ReadFirebase takes the Date of an answer of Firebase's (RFC 9110 section 6.6.1), to which a cache on the way adds its Age (RFC 9111
// section 5.1). An answer without a date says nothing.
func (c *Clocks) ReadFirebase(sent, received time.Time, header http.Header) {
	said, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	precision := time.Second
	if age, err := strconv.ParseUint(header.Get("Age"), 10, 31); err == nil {
		said, precision = said.Add(time.Duration(age)*time.Second), 2*time.Second
	}
	c.read(Firebase, said.Sub(received), said.Add(precision).Sub(sent))
}

// TokenSeen takes the time at which Firebase has signed a token that was just verified: Firebase's clock is at least as late. It is
// what no false Date can take back.
func (c *Clocks) TokenSeen(issued time.Time) {
	ahead := issued.Sub(c.Now())
	if ahead > TokenSkew {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	c.signed = max(c.signed, ahead)
}

func (c *Clocks) read(clock string, lo, hi time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	which := c.estimateOf(clock)
	which.add(lo, hi, now)
	c.settleOffset(now)
	ahead := which.middle(now)
	c.observe(clock, ahead)
	if far := ahead.Abs() >= Notable; far != c.notable[clock] {
		c.notable[clock] = far
		c.say(clock, ahead, far)
	}
}

func (c *Clocks) estimateOf(clock string) *estimate {
	if clock == Firebase {
		return &c.firebase
	}
	return &c.postgresql
}

func (c *Clocks) say(clock string, ahead time.Duration, far bool) {
	ctx := context.Background()
	if far {
		c.log.WarnContext(ctx, "a clock is apart from this machine's; run `authd doctor`, and synchronise the clocks by NTP",
			"clock", clock, "ahead_seconds", ahead.Seconds())
		return
	}
	c.log.InfoContext(ctx, "a clock agrees with this machine's again", "clock", clock)
}

// settle voids all readings when this machine's clock was set, or stood still while its monotonic one did not: they were taken against
// a clock that is no more. It returns this machine's time.
func (c *Clocks) settle() time.Time {
	now := c.now()
	slipped := now.Round(0).Sub(c.began.Round(0)) - c.elapsed(now)
	if (slipped - c.slipped).Abs() > step {
		c.slipped, c.postgresql, c.firebase, c.signed = slipped, estimate{}, estimate{}, -Bound
		c.settleOffset(now)
	}
	return now
}

// settleOffset decides what Now is.
func (c *Clocks) settleOffset(now time.Time) {
	var offset time.Duration
	switch p, f := c.postgresql.middle(now), c.firebase.middle(now); {
	case c.postgresql.measured && c.firebase.measured:
		three := []time.Duration{0, p, f}
		slices.Sort(three)
		offset = three[1]
	case c.postgresql.measured:
		offset = p
	}
	if offset.Abs() <= agreeing {
		offset = 0
	}
	c.offset.Store(int64(offset))
}

// Skew says how far the clocks that have been read are apart from this machine's, as an error where one is apart by Notable or more.
func (c *Clocks) Skew() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	var apart []error
	for _, clock := range []string{PostgreSQL, Firebase} {
		if ahead := c.estimateOf(clock).middle(now); c.estimateOf(clock).measured && ahead.Abs() >= Notable {
			apart = append(apart, fmt.Errorf("the clock of %s is %s ahead of this machine's", clock, ahead.Round(100*time.Millisecond)))
		}
	}
	return errors.Join(apart...)
}

// Outvoted says whether this machine's clock is the wrong one: PostgreSQL's and Firebase's agree with each other, and are apart from
// it by more than tokens are allowed.
func (c *Clocks) Outvoted() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	p, f := c.postgresql.middle(now), c.firebase.middle(now)
	if !c.postgresql.measured || !c.firebase.measured || p.Abs() <= TokenSkew || f.Abs() <= TokenSkew || (p-f).Abs() > TokenSkew {
		return nil
	}
	return fmt.Errorf("this machine's clock is wrong: PostgreSQL and Firebase agree, and are %s ahead of it", p.Round(time.Second))
}
