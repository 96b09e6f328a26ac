//go:build linux && (386 || amd64 || arm || arm64 || loong64 || ppc64le || riscv64 || s390x)

// Command rouse-pam calls PAM for services with PAMName=, since roused itself loads no
// libraries. roused starts it in the place of a service's process: it opens the session,
// starts the process, and closes the session when the process has ended. It is of no use to
// anybody else. It exits with 0, or with 224 if there is no session. systemd.exec(5), pam(3).
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
)

func main() {
	// What modules do to the calling thread, the service is to have.
	runtime.LockOSThread()
	k, err := spawn.Keep(os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rouse-pam:", err)
		os.Exit(2)
	}
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0)
	os.Exit(keep(k))
}

// keep opens the session, starts the service, and closes the session after its end.
func keep(k *spawn.Keeping) int {
	lib, err := load()
	if err != nil {
		k.Fail(err)
		return spawn.StatusPAM
	}
	s, err := lib.open(k)
	if err != nil {
		k.Fail(err)
		return spawn.StatusPAM
	}
	// Who ends the unit signals all its processes; the service's end is what counts.
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	pid := k.Start(s.environment())
	if pid == 0 {
		s.close()
		return spawn.StatusPAM
	}
	// Nor is it to end a program that a module starts to close the session.
	sys.BlockOnThread(syscall.SIGTERM)
	lib.become(k.UID, k.GID)
	if wait, err := sys.WaitGone(pid); err == nil {
		wait()
	} else if !errors.Is(err, sys.ESRCH) { // a kernel that cannot tell; Linux 5.3 can
		<-told
	}
	s.close()
	return 0
}

// terminal is the one that modules are told of.
func terminal(k *spawn.Keeping) string {
	if k.Terminal != "" {
		return k.Terminal
	}
	if path, err := os.Readlink("/proc/self/fd/0"); err == nil &&
		(strings.HasPrefix(path, "/dev/pts/") || strings.HasPrefix(path, "/dev/tty")) {
		return path
	}
	return ""
}
