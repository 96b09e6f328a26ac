//go:build solaris || illumos || aix

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
	{"NOFILE", unix.RLIMIT_NOFILE},
	{"AS", unix.RLIMIT_AS},
}
