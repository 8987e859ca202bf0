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

// tick is USER_HZ.
const tick = 10 * time.Millisecond

// cpuTime returns zero without /proc.
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseStat(stat)
}

// parseStat adds fields 14 and 15 (user, system), counted from behind the name, which may hold spaces.
func parseStat(stat []byte) time.Duration {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

// forgetPeak resets the kernel's peak of memory, where permitted.
func forgetPeak(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }

// peakMemory returns bytes since forgetPeak, or zero.
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

// pins holds the server's processor and all others; empty means unpinned.
type pins struct{ server, rest string }

// choosePins gives the server the first allowed processor.
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

// stepAside moves this process off the server's processor.
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
