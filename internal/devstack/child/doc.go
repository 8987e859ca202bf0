// Package child runs the programs of the development stack so that none outlives the one who started it.
//
// It owns three habits that are easy to get wrong one by one: a child lives in its own process group (Ctrl-C in a terminal
// reaches the supervisor only, which then stops its children in the right order); the kernel ends it when the supervisor is
// killed without a chance to clean up; and it is stopped politely first, by force after a grace period.
//
// It does not know what it runs. When something is left running after Ctrl-C, look at StopSignal and Grace of its caller.
package child
