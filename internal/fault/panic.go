package fault

import (
	"fmt"
	"runtime/debug"
)

// Panic makes an error of what recover gave, with the stack in its text, for the log alone.
func Panic(reason any) error {
	return fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
}

// Recover turns a panic into *err. Deferred at the top of every goroutine that serves requests: net/http's recovery reaches
// only its own goroutine, and one panic elsewhere would end the process for everybody.
func Recover(err *error) {
	if reason := recover(); reason != nil {
		*err = Panic(reason)
	}
}
