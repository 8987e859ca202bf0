package pg

import "slices"

// SQLSTATE values: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	uniqueViolation       = "23505"
	protocolViolation     = "08P01"
	insufficientPrivilege = "42501"
	activeTransaction     = "25001"
	readOnlyTransaction   = "25006"
)

// outageClasses: 08 connection, 28 authorization (the service's own password), 53 resources, 57 operator intervention, 58 system, 72
// snapshot, F0 configuration file.
var outageClasses = []string{"08", "28", "53", "57", "58", "72", "F0"}

// valueClasses: 22 data, 23 constraint, 09, 27, 38, 39 and P0 trigger, 44 view check.
var valueClasses = []string{"09", "22", "23", "27", "38", "39", "44", "P0"}

// outageStates may pass; their classes' other states are bugs.
var outageStates = []string{
	activeTransaction, readOnlyTransaction, // read-only server
	"25P03", "25P04", // transaction timeouts
	"40000", "40001", "40003", "40P01", // conflicts, also on a standby
	"54000", // NOTIFY queue full, or out of transaction numbers
	"55000", // in recovery
	"55006", "55P03",
}

func outageState(code string) bool {
	return len(code) == 5 && slices.Contains(outageClasses, code[:2]) || slices.Contains(outageStates, code)
}

// readOnlyState reports a refused write (25006) or transaction_read_only (25001).
func readOnlyState(code string) bool { return code == readOnlyTransaction || code == activeTransaction }
