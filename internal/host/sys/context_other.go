//go:build unix && !linux

package sys

import "runtime"

// HaveOOMScoreAdjust says whether SetOOMScoreAdjust does something here.
const HaveOOMScoreAdjust = false

// SetOOMScoreAdjust is not to be had here.
func SetOOMScoreAdjust(int) error { return Unsupported("set oom_score_adj") }

// limitNumbers are the numbers of setrlimit(2) by the names of systemd.exec(5).
// All of BSD descent have the same but for AS; illumos has its own.
var limitNumbers = func() []limitNumber {
	switch runtime.GOOS {
	case "illumos", "solaris":
		return []limitNumber{
			{"CPU", 0}, {"FSIZE", 1}, {"DATA", 2}, {"STACK", 3}, {"CORE", 4}, {"NOFILE", 5}, {"AS", 6},
		}
	}
	list := []limitNumber{
		{"CPU", 0}, {"FSIZE", 1}, {"DATA", 2}, {"STACK", 3}, {"CORE", 4}, {"RSS", 5},
		{"MEMLOCK", 6}, {"NPROC", 7}, {"NOFILE", 8},
	}
	switch runtime.GOOS {
	case "freebsd", "netbsd", "dragonfly":
		list = append(list, limitNumber{"AS", 10})
	case "darwin":
		list = append(list, limitNumber{"AS", 5})
	}
	return list
}()
