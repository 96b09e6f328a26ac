package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds the whole demo, so that a missing line fails instead of hanging.
const patience = 60 * time.Second

// TestDemo runs all of it: everything in the units happens, the client sees it,
// and at the end nothing is left, the process that left its session included.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the demo builds four programs and runs for five seconds")
	}
	p := place(t.TempDir())
	if err := p.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.writeUnits(); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(t.Context(), patience)
	read, write := io.Pipe()
	served := make(chan struct{})
	var fault error
	go func() {
		defer close(served)
		fault = p.serve(ctx, write)
		write.Close()
	}()
	stop := sync.OnceFunc(func() {
		end()
		go io.Copy(io.Discard, read)
		<-served
	})
	t.Cleanup(stop)

	var seen strings.Builder
	orphan := follow(t, read, &seen, []string{
		"wrote " + filepath.Join(p.runtime(), "demo", "prepared"),
		"north works, round 1",
		"south works, round 1",
		"told the manager: ready",
		"was handed 2 sockets:",
		`answered "ask[`,
		`answered "control[`,
	})
	for _, unit := range []string{
		"demo.target", "prepare.service", "clock.service", "echo.socket", "echo.service",
		"echo-control.socket", "asker.service", "worker@north.service", "worker@south.service",
	} {
		if got := p.ask(t, "is-active", unit); got != "active" {
			t.Errorf("%s is %s, want active", unit, got)
		}
	}
	stop()
	if fault != nil {
		t.Errorf("end: %v", fault)
	}
	if orphan == 0 {
		t.Fatalf("echo.service told of no process left behind:\n%s", &seen)
	}
	if err := syscall.Kill(orphan, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d outlived the demo: %v", orphan, err)
	}
}

// follow reads lines until each of want was in one, and returns the process that
// echo.service said it left behind. What it reads is added to seen.
func follow(t *testing.T, in io.Reader, seen *strings.Builder, want []string) (orphan int) {
	t.Helper()
	left := regexp.MustCompile(`left process (\d+) behind`)
	missing := append([]string(nil), want...)
	for lines := bufio.NewScanner(in); len(missing) > 0; {
		if !lines.Scan() {
			t.Fatalf("the output ended without %q:\n%s", missing, seen)
		}
		line := lines.Text()
		seen.WriteString(line + "\n")
		if m := left.FindStringSubmatch(line); m != nil {
			orphan, _ = strconv.Atoi(m[1])
		}
		still := missing[:0]
		for _, w := range missing {
			if !strings.Contains(line, w) {
				still = append(still, w)
			}
		}
		missing = still
	}
	return orphan
}

// ask runs the client and gives its first line.
func (p place) ask(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(p.bin(), "rouse"), args...)
	cmd.Env = append(os.Environ(), "ROUSE_SOCKET="+p.socket())
	out, _ := cmd.CombinedOutput() // is-active exits 3 for what is not
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
