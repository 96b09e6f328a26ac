//go:build linux && (386 || arm)

package sys

import "golang.org/x/sys/unix"

// The calls about users and groups; those without 32 take 16-bit numbers.
const (
	CallSetgroups = unix.SYS_SETGROUPS32
	CallSetresgid = unix.SYS_SETRESGID32
	CallSetresuid = unix.SYS_SETRESUID32
)
