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

// PostgreSQL and Firebase name clocks in metrics and logs.
const (
	PostgreSQL = "postgresql"
	Firebase   = "firebase"
)

const (
	// TokenSkew is the lead over Now that a verified token may have (T2).
	TokenSkew = time.Minute
	// Bound limits the skew that Clocks compensates.
	Bound = 5 * time.Minute
	// Notable is where Clocks warns: a tenth of TokenSkew, less a Date header's precision.
	Notable = 5 * time.Second

	agreeing = time.Second
	// step is the jump against the monotonic clock that voids the readings.
	step = 500 * time.Millisecond
)

// Options configures Clocks.
type Options struct {
	// Now defaults to time.Now.
	Now     func() time.Time
	Logger  *slog.Logger
	Observe func(clock string, ahead time.Duration)
}

// Clocks measures the other clocks. Safe for concurrent use.
type Clocks struct {
	now     func() time.Time
	log     *slog.Logger
	observe func(clock string, ahead time.Duration)
	began   time.Time
	elapsed func(now time.Time) time.Duration
	offset  atomic.Int64

	mu         sync.Mutex
	slipped    time.Duration
	postgresql estimate
	firebase   estimate
	signed     time.Duration // lower bound of Firebase's lead
	notable    map[string]bool
}

// New returns Clocks without readings.
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

// Machine returns this machine's time.
func (c *Clocks) Machine() time.Time { return c.now() }

// Now returns the median of the three clocks, which judges tokens and dates legacy tokens. Within a second it is this machine's time;
// before Firebase's first reading it is PostgreSQL's, which all instances share.
func (c *Clocks) Now() time.Time { return c.now().Add(time.Duration(c.offset.Load())) }

// FirebaseNow returns Firebase's time, or Now without a reading within Bound.
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

// PostgreSQLNow returns PostgreSQL's time, or this machine's before a reading.
func (c *Clocks) PostgreSQLNow() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.settle()
	return now.Add(c.postgresql.middle(now))
}

func believed(lead time.Duration) bool { return lead.Abs() <= Bound+time.Second }

// Precision returns the uncertainty of Firebase's offset.
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

// ReadPostgreSQL takes sent and received by Machine.
func (c *Clocks) ReadPostgreSQL(sent, received, said time.Time) {
	c.read(PostgreSQL, said.Sub(received), said.Sub(sent))
}

// ReadFirebase adds a Date (RFC 9110 section 6.6.1) plus a cache's Age (RFC 9111 section 5.1).
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

// TokenSeen notes a verified token's issue time, a lower bound of Firebase's clock that no Date can undo.
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

func (c *Clocks) settle() time.Time {
	now := c.now()
	slipped := now.Round(0).Sub(c.began.Round(0)) - c.elapsed(now)
	if (slipped - c.slipped).Abs() > step {
		c.slipped, c.postgresql, c.firebase, c.signed = slipped, estimate{}, estimate{}, -Bound
		c.settleOffset(now)
	}
	return now
}

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

// Skew returns an error for each clock with a Notable skew.
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

// Outvoted returns an error where the other clocks agree and this machine's differs by more than TokenSkew.
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
