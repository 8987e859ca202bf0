package fault

import (
	"fmt"
	"runtime/debug"
)

// Panic returns an error with the stack, for logs only.
func Panic(reason any) error {
	return fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
}

// Recover turns a panic into *err. Defer it in every goroutine: net/http recovers only its own.
func Recover(err *error) {
	if reason := recover(); reason != nil {
		*err = Panic(reason)
	}
}
