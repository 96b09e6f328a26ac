package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// signalRounds bounds how often the processes are listed again. A unit that forks
// faster than this cannot be caught by signals one by one.
const signalRounds = 100

// spared gives those of a list that are processes.
func spared(except []int) []int {
	return slices.DeleteFunc(slices.Clone(except), func(pid int) bool { return pid <= 0 })
}

// signalUntilStable signals each process once, and looks again for those forked
// meanwhile until there are none.
func signalUntilStable(unit string, list func() ([]int, error), sig value.Signal,
	except []int) (n int, err error) {
	done := map[int]bool{}
	for range signalRounds {
		pids, err := list()
		if err != nil {
			return n, err
		}
		before := len(done)
		var failed error
		for _, pid := range pids {
			if done[pid] || slices.Contains(except, pid) {
				continue
			}
			done[pid] = true
			switch err := sys.Kill(pid, sig); {
			case err == nil:
				n++
			case !errors.Is(err, sys.ESRCH):
				failed = fmt.Errorf("signal %v to process %d of %s: %w", sig, pid, unit, err)
			}
		}
		if failed != nil {
			return n, failed
		}
		if len(done) == before {
			return n, nil
		}
	}
	return n, fmt.Errorf("signal %v to %s: still forking after %d rounds", sig, unit, signalRounds)
}

// readPIDs lists the processes of the group itself. Those outside this pid
// namespace show as 0 and are left out.
func readPIDs(dir string) ([]int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range bytes.Lines(text) {
		if pid, err := strconv.Atoi(string(bytes.TrimSpace(line))); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
