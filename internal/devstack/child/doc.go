// Package child runs programs that must not outlive the supervisor. A child has its own process group: Ctrl-C reaches only the supervisor.
// The kernel ends it when the supervisor is killed.
//
// When a program remains after Ctrl-C, check the caller's StopSignal and Grace.
package child
