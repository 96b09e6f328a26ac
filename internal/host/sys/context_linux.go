package sys

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// HaveOOMScoreAdjust says whether SetOOMScoreAdjust does something here.
const HaveOOMScoreAdjust = true

// SetOOMScoreAdjust says how soon the kernel kills the process when memory runs
// out, -1000 to 1000. proc(5), /proc/pid/oom_score_adj, Linux 2.6.36.
func SetOOMScoreAdjust(n int) error {
	f, err := os.OpenFile("/proc/self/oom_score_adj", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(strconv.Itoa(n))
	return err
}

// limitNumbers are the numbers of setrlimit(2) by the names of systemd.exec(5).
var limitNumbers = []limitNumber{
	{"CPU", unix.RLIMIT_CPU},
	{"FSIZE", unix.RLIMIT_FSIZE},
	{"DATA", unix.RLIMIT_DATA},
	{"STACK", unix.RLIMIT_STACK},
	{"CORE", unix.RLIMIT_CORE},
	{"RSS", unix.RLIMIT_RSS},
	{"NOFILE", unix.RLIMIT_NOFILE},
	{"AS", unix.RLIMIT_AS},
	{"NPROC", unix.RLIMIT_NPROC},
	{"MEMLOCK", unix.RLIMIT_MEMLOCK},
	{"LOCKS", unix.RLIMIT_LOCKS},
	{"SIGPENDING", unix.RLIMIT_SIGPENDING},
	{"MSGQUEUE", unix.RLIMIT_MSGQUEUE},
	{"NICE", unix.RLIMIT_NICE},
	{"RTPRIO", unix.RLIMIT_RTPRIO},
	{"RTTIME", unix.RLIMIT_RTTIME},
}
