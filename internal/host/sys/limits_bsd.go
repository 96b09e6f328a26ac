//go:build freebsd || netbsd || darwin || dragonfly

package sys

import "golang.org/x/sys/unix"

// limitNumbers are the numbers of setrlimit(2) by the names of systemd.exec(5).
var limitNumbers = [...]struct {
	name   string
	number int
}{
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
}
