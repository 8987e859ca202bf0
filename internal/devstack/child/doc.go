// Package child runs programs that end with their supervisor, even when it is killed. Each has a process group: Ctrl-C reaches only the
// supervisor. When a program remains, check StopSignal and Grace.
package child
