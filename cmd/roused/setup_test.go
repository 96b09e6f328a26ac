package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestForServices(t *testing.T) {
	got := forServices([]string{"A=b", "NOTIFY_SOCKET=/x", "XDG_RUNTIME_DIR=/run/user/1", "MAINPID=3"})
	if want := []string{"A=b", "XDG_RUNTIME_DIR=/run/user/1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A manager that is not PID 1 leaves the sockets of another one alone.
func TestRuntimeDir(t *testing.T) {
	dir := t.TempDir()
	o := &options{socket: filepath.Join(dir, "rouse", "control")}
	if got := runtimeDir(o); got != dir {
		t.Errorf("alone: %s, want %s", got, dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, "systemd"), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "systemd/private"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := runtimeDir(o); got != dir {
		t.Errorf("executed again: %s, want %s", got, dir)
	}
	o = &options{socket: o.socket}
	if got, want := runtimeDir(o), filepath.Join(dir, "rouse"); got != want {
		t.Errorf("beside another: %s, want %s", got, want)
	}
}
