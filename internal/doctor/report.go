package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"auth-v2-service/internal/config"
)

// Level is one word about a finding.
type Level string

// The levels. Yellow is worth knowing and harms nobody yet; Unchecked could not be asked, and Found says why.
const (
	Green     Level = "green"
	Yellow    Level = "yellow"
	Red       Level = "red"
	Unchecked Level = "unchecked"
)

// Finding is one thing that was examined. Advice says what to do, and is empty where nothing is to be done.
type Finding struct {
	Area   string `json:"area"`
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// Report is everything that was examined, in the order in which people read it.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Count is how many findings are of a level.
func (r Report) Count(level Level) (n int) {
	for _, finding := range r.Findings {
		if finding.Level == level {
			n++
		}
	}
	return n
}

// limit bounds an examination: nothing that hangs keeps an operator waiting.
const limit = time.Minute

// Examine looks at everything that a configuration leads to. What is away is a red finding and no error.
func Examine(ctx context.Context, c config.Config) Report {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := Report{Findings: in("configuration", environment(c))}
	r.Findings = append(r.Findings, project(ctx, c)...)
	r.Findings = append(r.Findings, database(ctx, c)...)
	r.Findings = append(r.Findings, redisServer(ctx, c)...)
	r.gather()
	return r
}

// gather brings the findings of an area together, and leaves their order as it was otherwise.
func (r *Report) gather() {
	var areas []string
	for _, f := range r.Findings {
		if !slices.Contains(areas, f.Area) {
			areas = append(areas, f.Area)
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(areas, a.Area), slices.Index(areas, b.Area))
	})
}

// in gives findings their area.
func in(area string, findings ...Finding) []Finding {
	for i := range findings {
		findings[i].Area = area
	}
	return findings
}

func green(check, found string, args ...any) Finding {
	return Finding{Check: check, Level: Green, Found: fmt.Sprintf(found, args...)}
}

func unchecked(check, because string, args ...any) Finding {
	return Finding{Check: check, Level: Unchecked, Found: "not checked here, because " + fmt.Sprintf(because, args...)}
}

// judged is a finding of the given level where something is wrong, and green where not.
func judged(check string, wrong bool, level Level, found, advice string) Finding {
	if !wrong {
		return Finding{Check: check, Level: Green, Found: found}
	}
	return Finding{Check: check, Level: level, Found: found, Advice: advice}
}

func red(check, advice, found string, args ...any) Finding {
	return Finding{Check: check, Level: Red, Found: fmt.Sprintf(found, args...), Advice: advice}
}

func environment(c config.Config) Finding {
	if c.InDevelopment() {
		return unchecked("AUTH_ENV", "it is development, which allows what production refuses (an emulator, plain HTTP for keys, weak secrets); "+
			"where people are, set AUTH_ENV=production")
	}
	return green("AUTH_ENV", "production, and the configuration is one that production allows")
}

// maxOffset is how far two clocks may be apart: a tenth of the skew that tokens are allowed (T2), and less than a session's
// shortest life matters.
const maxOffset = 5 * time.Second

// clock compares another clock, read between two looks at ours, with ours. whole is how coarse the other one is.
func clock(check string, before, after, other time.Time, whole time.Duration) Finding {
	middle := before.Add(after.Sub(before) / 2)
	offset := other.Add(whole / 2).Sub(middle)
	found := fmt.Sprintf("%s ahead of this machine's", offset.Round(100*time.Millisecond))
	if offset < 0 {
		found = fmt.Sprintf("%s behind this machine's", offset.Abs().Round(100*time.Millisecond))
	}
	return judged(check, offset.Abs() > maxOffset, Red, found,
		"synchronise by NTP (chrony, systemd-timesyncd) the one that differs from the two others: this machine where both findings are red, "+
			"PostgreSQL's server where its own is. An instance compensates up to five minutes; beyond that tokens are refused and sign-ins wait")
}
