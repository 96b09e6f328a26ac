// Command demo shows rouse at work, without root and without touching anything
// outside a directory that it makes and removes: it builds the programs, starts
// roused in the foreground on the units in demo/units, and prints how to look at
// it from another terminal. Ctrl-C ends it. It must not know more of roused than
// its flags.
//
//	go run ./demo
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed units
var units embed.FS

// programs are the packages built for the demo.
var programs = []string{"roused", "rouse", "testservice", "testserviceclient"}

// grace is how long roused may take to stop everything before it is killed.
const grace = 20 * time.Second

// main runs the demo; its status is 0 if roused ended well.
func main() {
	keep := flag.Bool("keep", false, "leave the directory behind")
	limit := flag.Duration("for", 0, "let it run for `D` instead of until ctrl-C")
	flag.Parse()
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer end()
	if err := run(ctx, *keep, *limit); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// run makes a place, fills it, and lets roused run there until ctx ends, or for limit
// if that is not 0.
func run(ctx context.Context, keep bool, limit time.Duration) error {
	dir, err := os.MkdirTemp("", "rouse-demo-")
	if err != nil {
		return err
	}
	p := place(dir)
	if keep {
		fmt.Printf("demo: everything is, and stays, in %s\n", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	fmt.Println("demo: building the programs")
	if err := p.build(ctx); err != nil {
		return err
	}
	if err := p.writeUnits(); err != nil {
		return err
	}
	fmt.Print(p.advice())
	if limit > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, limit)
		defer end()
	}
	return p.serve(ctx, os.Stdout)
}

// place is the directory in which all of the demo happens.
type place string

// runtime is what %t stands for in the units.
func (p place) runtime() string { return filepath.Join(string(p), "run") }

// bin is where the units expect the programs.
func (p place) bin() string { return filepath.Join(p.runtime(), "bin") }

// units is where roused finds the unit files.
func (p place) units() string { return filepath.Join(string(p), "units") }

// socket is where roused answers the client.
func (p place) socket() string { return filepath.Join(p.runtime(), "rouse.sock") }

// build compiles the programs into p.
func (p place) build(ctx context.Context) error {
	if err := os.MkdirAll(p.bin(), 0o755); err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", p.bin()}
	for _, program := range programs {
		args = append(args, "rouse/cmd/"+program)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// writeUnits copies the unit files into p.
func (p place) writeUnits() error {
	files, err := fs.Sub(units, "units")
	if err != nil {
		return err
	}
	return os.CopyFS(p.units(), files)
}

// advice says what to try from another terminal.
func (p place) advice() string {
	rouse := "ROUSE_SOCKET=" + p.socket() + " " + filepath.Join(p.bin(), "rouse")
	var b strings.Builder
	b.WriteString("demo: from another terminal, try\n")
	for _, verb := range []string{
		"status", "list-units", "status echo.service", "stop echo.service",
		"kill -s KILL clock.service", "why clock.service",
	} {
		fmt.Fprintf(&b, "  %s %s\n", rouse, verb)
	}
	b.WriteString("demo: ctrl-C ends it\n")
	return b.String()
}

// command is roused on the units of p, in a process group of its own so that a
// ctrl-C reaches it once, from here.
func (p place) command(out io.Writer) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin(), "roused"), "--user", "--unit-path", p.units(),
		"--unit", "demo.target", "--socket", p.socket(), "--log-target", "console")
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+p.runtime(), "SYSTEMD_UNIT_PATH="+p.units())
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// serve runs roused until ctx ends or it ends by itself, which is an error.
func (p place) serve(ctx context.Context, out io.Writer) error {
	cmd := p.command(out)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			err = errors.New("exit status 0")
		}
		return fmt.Errorf("roused ended by itself: %w", err)
	case <-ctx.Done():
	}
	fmt.Println("\ndemo: stopping everything")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("signal roused: %w", err)
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("roused: %w", err)
		}
		fmt.Println("demo: all stopped")
		return nil
	case <-late.C:
		return errors.Join(fmt.Errorf("roused has not ended %v after SIGTERM, killed", grace),
			cmd.Process.Kill(), <-ended)
	}
}
