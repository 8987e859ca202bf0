package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "auth-v2-service/"

// foundations may be imported by every room.
var foundations = []string{
	"internal/batch", "internal/breaker", "internal/clock", "internal/detach", "internal/fault", "internal/limit", "internal/page", "internal/sleep", "internal/pg", "internal/redisreply", "internal/telemetry",
}

// allowed is the import table.
var allowed = map[string][]string{
	"api":                 {},
	"db":                  {},
	"gen/api":             {},
	"gen/client":          {},
	"gen/db":              {},
	"internal/batch":      {},
	"internal/breaker":    {},
	"internal/clock":      {},
	"internal/detach":     {},
	"internal/fault":      {},
	"internal/page":       {},
	"internal/sleep":      {},
	"internal/telemetry":  {},
	"internal/redisreply": {},
	"internal/pg":         {},
	"internal/config":     {},
	"internal/token":      {},
	"internal/limit":      {},
	"internal/firebase":   {"internal/password"},
	"internal/password":   {},
	"internal/schema":     {"db"},
	"internal/backup":     {"internal/schema"},
	"internal/audit":      {"gen/db"},
	"internal/intent":     {"gen/db"},
	"internal/operator":   {"gen/db"},
	"internal/proof":      {},
	"internal/compare":    {"gen/db", "internal/firebase", "internal/proof", "internal/user"},
	"internal/user":       {"gen/db", "internal/audit", "internal/firebase", "internal/intent", "internal/operator", "internal/password", "internal/token"},
	"internal/rollout":    {"gen/db", "internal/audit", "internal/operator"},
	"internal/apikey":     {"gen/db", "internal/audit"},
	"internal/balance":    {"gen/db", "internal/audit", "internal/operator"},
	"internal/move":       {"gen/db", "internal/audit", "internal/firebase", "internal/intent", "internal/password", "internal/user"},
	"internal/rollback":   {"gen/db", "internal/audit", "internal/firebase", "internal/password", "internal/user"},
	"internal/bulk": {
		"gen/db", "internal/audit", "internal/firebase", "internal/move", "internal/operator", "internal/password", "internal/rollback",
		"internal/rollout",
	},
	"internal/principal": {"gen/db", "internal/apikey", "internal/token", "internal/user"},
	"internal/fbsync":    {"gen/db", "internal/audit", "internal/firebase", "internal/intent", "internal/operator", "internal/user"},
	"internal/session":   {"gen/db", "internal/audit", "internal/token", "internal/user"},
	"internal/account": {
		"gen/db", "internal/audit", "internal/balance", "internal/firebase", "internal/intent", "internal/password", "internal/principal",
		"internal/rollout",
		"internal/session", "internal/token", "internal/user",
	},
	"internal/httpapi": {
		"api", "gen/api", "internal/account", "internal/apikey", "internal/audit", "internal/balance", "internal/bulk", "internal/operator", "internal/principal", "internal/rollout",
		"internal/schema", "internal/session", "internal/fbsync", "internal/token", "internal/user",
	},
	"internal/doctor": {"internal/config", "internal/firebase", "internal/schema"},
	"internal/app": {
		"gen/db", "internal/account", "internal/apikey", "internal/audit", "internal/balance", "internal/bulk", "internal/compare", "internal/config", "internal/firebase",
		"internal/httpapi", "internal/intent", "internal/move", "internal/password", "internal/principal", "internal/rollback", "internal/rollout", "internal/schema",
		"internal/session", "internal/fbsync", "internal/token", "internal/user",
	},
	"cmd/authd": {
		"internal/apikey", "internal/app", "internal/backup", "internal/bulk", "internal/compare", "internal/config", "internal/doctor", "internal/httpapi", "internal/operator",
		"internal/principal", "internal/proof", "internal/rollback", "internal/rollout",
		"internal/schema", "internal/fbsync", "internal/user",
	},
}

var vendors = map[string][]string{
	"firebase.google.com/":            {"internal/firebase"},
	"google.golang.org/api":           {"internal/firebase"},
	"github.com/amacneil/dbmate":      {"internal/schema"},
	"github.com/golang-jwt":           {"internal/token"},
	"github.com/riverqueue/":          {"internal/fbsync"},
	"github.com/go-chi/":              {"internal/httpapi", "gen/api"},
	"github.com/getkin/kin-openapi":   {"internal/httpapi", "gen/api"},
	"github.com/prometheus/":          {"internal/telemetry"},
	"go.opentelemetry.io/":            {"internal/telemetry"},
	"github.com/exaring/":             {"internal/telemetry"},
	"github.com/caarlos0/env":         {"internal/config"},
	"github.com/failsafe-go/":         {"internal/breaker"},
	"github.com/go-redis/redis_rate":  {"internal/limit"},
	"github.com/maypok86/otter":       {"internal/principal", "internal/user"},
	"github.com/alecthomas/kong":      {"cmd/authd"},
	"golang.org/x/crypto/bcrypt":      {"internal/password"},
	"github.com/oapi-codegen/runtime": {"gen/api", "gen/client"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, patterns ...string) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, patterns...)...)
	command.Dir = "../.."
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	decoder := json.NewDecoder(strings.NewReader(string(output)))
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func production(t *testing.T) []listed {
	t.Helper()
	deps := list(t, "./cmd/authd")[0].Deps
	return slices.DeleteFunc(list(t, "./..."), func(p listed) bool {
		return p.ImportPath != module+"cmd/authd" && !slices.Contains(deps, p.ImportPath)
	})
}

func TestImports_EachRoomKnowsWhatItMay(t *testing.T) {
	for _, p := range production(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		may, known := allowed[room]
		if !known {
			t.Errorf("%s is not in the table of rooms: say there what it may import", room)
			continue
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, module)
			if ours && !slices.Contains(may, other) && !slices.Contains(foundations, other) {
				t.Errorf("%s imports %s, which the table does not allow", room, other)
			}
			for prefix, rooms := range vendors {
				if strings.HasPrefix(imported, prefix) && !slices.Contains(rooms, room) {
					t.Errorf("%s imports %s, which only %v may", room, imported, rooms)
				}
			}
		}
	}
}

func TestImports_TheTableHasNoIdleRoom(t *testing.T) {
	var rooms []string
	for _, p := range list(t, "./...") {
		rooms = append(rooms, strings.TrimPrefix(p.ImportPath, module))
	}
	for room := range maps.Keys(allowed) {
		if !slices.Contains(rooms, room) {
			t.Errorf("the table names %s, which does not exist", room)
		}
	}
}

func TestImports_AuthdHasNothingOfTheDevelopmentStack(t *testing.T) {
	for _, dependency := range list(t, "./cmd/authd")[0].Deps {
		for _, forbidden := range []string{module + "internal/devstack", module + "internal/testkit", "testing", "github.com/alicebob/miniredis"} {
			if dependency == forbidden || strings.HasPrefix(dependency, forbidden+"/") {
				t.Errorf("authd links %s", dependency)
			}
		}
	}
}
