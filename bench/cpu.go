package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/PID/stat on every Linux that Go runs on (USER_HZ).
const tick = 10 * time.Millisecond

// cpuTime is what a process has used so far; zero where there is no /proc to tell it.
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseStat(stat)
}

// parseStat adds user and system time: fields 14 and 15, counted from behind the name, which may hold spaces.
func parseStat(stat []byte) time.Duration {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

// forgetPeak lets the kernel count a process's peak of memory anew. Where it will not, the peak is that since the start.
func forgetPeak(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }

// peakMemory is the most memory, in bytes, that a process has held since forgetPeak; zero where there is no /proc to tell it.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return parsePeak(status)
}

func parsePeak(status []byte) int64 {
	for line := range bytes.Lines(status) {
		if size, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kibibytes, _ := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(size), []byte(" kB"))), 10, 64)
			return kibibytes << 10
		}
	}
	return 0
}

// pins says which processors the server under test has for itself, and which are everybody else's. Empty: nobody is pinned.
type pins struct{ server, rest string }

// choosePins gives the first allowed processor to the server, so that neither side is slowed by the load it is under.
func choosePins() pins {
	status, err := os.ReadFile("/proc/self/status")
	if _, lookErr := exec.LookPath("taskset"); err != nil || lookErr != nil {
		return pins{}
	}
	for line := range strings.Lines(string(status)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return splitProcessors(strings.TrimSpace(list))
		}
	}
	return pins{}
}

// splitProcessors takes the first off a list such as "0-3,8".
func splitProcessors(list string) pins {
	first, others, _ := strings.Cut(list, ",")
	low, high, isRange := strings.Cut(first, "-")
	if isRange {
		n, err := strconv.Atoi(low)
		if err != nil {
			return pins{}
		}
		tail := fmt.Sprintf("%d-%s", n+1, high)
		if strconv.Itoa(n+1) == high {
			tail = high
		}
		if others != "" {
			tail += "," + others
		}
		return pins{server: low, rest: tail}
	}
	if others == "" {
		return pins{}
	}
	return pins{server: first, rest: others}
}

// stepAside puts this process, and whatever it starts from here on, on the processors that are not the server's.
func (p pins) stepAside() error {
	if p.rest == "" {
		return nil
	}
	pid := strconv.Itoa(os.Getpid())
	output, err := exec.Command("taskset", "-a", "-c", "-p", p.rest, pid).CombinedOutput() //nolint:gosec,noctx // our own words, and at once
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, output)
	}
	runtime.SetDefaultGOMAXPROCS()
	return nil
}

// command is how to run a server on its processor.
func (p pins) command(program string, args ...string) (path string, full []string) {
	if p.server == "" {
		return program, args
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return program, args
	}
	return taskset, append([]string{"-c", p.server, program}, args...)
}
