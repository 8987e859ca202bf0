// Package child runs programs that end with their supervisor, even when it is killed. Ctrl-C reaches only the supervisor: each child has a
// process group. When a program remains, check StopSignal.
package child
