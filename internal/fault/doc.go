// Package fault is the one vocabulary of errors: a code for programs, a message for people, and a cause for us.
//
// It owns the list of codes of the contract (api/openapi.yaml, schema ErrorCode) and nothing else: which HTTP status a code
// has is decided by internal/httpapi alone. A domain room declares its own values with [New] beside the rule they belong to;
// callers compare with errors.Is, add context with fmt.Errorf("...: %w"), and the error reaches HTTP and the log once, at
// the top. Only Message and Fields ever leave the process; causes and wrapped context are for the log.
//
// When a test breaks here after a change of contract: the contract's ErrorCode and the constants below have drifted; add
// the code on the side that lacks it, then give it a status in internal/httpapi.
package fault
