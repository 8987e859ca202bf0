package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"auth-v2-service/internal/config"
)

// Level is a finding's severity.
type Level string

// The levels. Yellow does no harm yet. Unchecked could not be asked: Found says why.
const (
	Green     Level = "green"
	Yellow    Level = "yellow"
	Red       Level = "red"
	Unchecked Level = "unchecked"
)

// Finding is one examined thing. Advice is empty if nothing is to be done.
type Finding struct {
	Area   string `json:"area"`
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// Report is all findings in reading order.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Count returns the number of findings of a level.
func (r Report) Count(level Level) (n int) {
	for _, finding := range r.Findings {
		if finding.Level == level {
			n++
		}
	}
	return n
}

const limit = time.Minute

// Examine examines everything that c leads to. An unreachable part is a red finding, not an error.
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

// gather sorts stably by area.
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

// judged returns Green unless wrong.
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

// maxOffset is a tenth of the tokens' allowed skew (T2).
const maxOffset = 5 * time.Second

// whole is the other clock's resolution.
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
