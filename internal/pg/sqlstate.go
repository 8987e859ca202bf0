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

// outageClasses are the classes each of whose states says that the server cannot work now, whatever the statement is: 08 connection,
// 28 authorization (a password that has been changed is not the client's fault), 53 resources, 57 operator intervention, 58 system,
// 72 snapshot, F0 configuration file.
var outageClasses = []string{"08", "28", "53", "57", "58", "72", "F0"}

// valueClasses are the SQLSTATE classes that refuse a statement for its values: 22 a value that its type cannot hold, 23 a constraint,
// 09, 27, 38, 39 and P0 a trigger or its function, 44 the check of a view.
var valueClasses = []string{"09", "22", "23", "27", "38", "39", "44", "P0"}

// outageStates are the states of other classes that may be over a moment later. The other states of these classes say that the
// statement, or the order of statements, is wrong: a fault of ours.
var outageStates = []string{
	activeTransaction, readOnlyTransaction, // the server only reads
	"25P03", "25P04", // the server has ended a transaction that took too long
	"40000", "40001", "40003", "40P01", // rolled back for another transaction, or by a standby that follows its primary
	"54000",          // a limit of the whole server: the queue of NOTIFY is full, transaction numbers have run out
	"55000",          // the server or an object is not in the state for it: in recovery, not accepting connections
	"55006", "55P03", // in use, locked
}

// outageState reports whether a SQLSTATE says that the same statement may succeed a moment later.
func outageState(code string) bool {
	return len(code) == 5 && slices.Contains(outageClasses, code[:2]) || slices.Contains(outageStates, code)
}

// readOnlyState reports whether a SQLSTATE says that the server takes no writes: a write was refused (25006), or a reading that must
// be the primary's (25001; see the queries that set transaction_read_only).
func readOnlyState(code string) bool { return code == readOnlyTransaction || code == activeTransaction }
