package httpapi

import "fmt"

// panicError carries a panic to the log. Its text has the stack; the client never sees it.
type panicError struct {
	reason any
	stack  []byte
}

func (e panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.reason, e.stack) }
