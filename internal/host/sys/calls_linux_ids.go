//go:build linux && !386 && !arm

package sys

import "golang.org/x/sys/unix"

// The calls about users and groups.
const (
	CallSetgroups = unix.SYS_SETGROUPS
	CallSetresgid = unix.SYS_SETRESGID
	CallSetresuid = unix.SYS_SETRESUID
)
