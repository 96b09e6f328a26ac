//go:build linux && (386 || amd64 || arm || arm64 || loong64 || ppc64le || riscv64 || s390x)

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"rouse/internal/host/spawn"
)

func TestMain(m *testing.M) {
	if os.Getenv("ROUSE_PAM_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Started by anybody else, the program says so and does nothing.
func TestAlone(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(self, "x")
	cmd.Env = append(os.Environ(), "ROUSE_PAM_MAIN=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "rouse-pam:") {
		t.Errorf("%s, %v", out, err)
	}
}

// The library is called: it has messages, and refuses services and users that are not there.
// Sessions that are opened and closed are in test/scenario, which has a machine to itself.
func TestLibrary(t *testing.T) {
	lib, err := load()
	if err != nil {
		t.Skip(err)
	}
	if text := lib.message(0, success); text != "Success" {
		t.Errorf("message: %q", text)
	}
	k := &spawn.Keeping{Env: []string{"A=b"}}
	k.Service, k.User, k.Terminal = "rouse-not-there", "rouse-not-there", "/dev/tty9"
	if s, err := lib.open(k); err == nil {
		t.Errorf("opened: %+v", s)
	} else if !strings.HasPrefix(err.Error(), "pam_") {
		t.Error(err)
	}
}

// Without TTYPath=, the terminal is that of standard input, if that is one.
func TestTerminal(t *testing.T) {
	k := &spawn.Keeping{}
	k.Terminal = "/dev/tty9"
	if got := terminal(k); got != "/dev/tty9" {
		t.Error(got)
	}
	k.Terminal = ""
	if got := terminal(k); got != "" && !strings.HasPrefix(got, "/dev/") {
		t.Error(got)
	}
}
