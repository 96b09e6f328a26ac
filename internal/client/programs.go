package client

import (
	"context"
	"path/filepath"
	"strings"

	"rouse/internal/client/analyze"
	"rouse/internal/client/run"
	"rouse/internal/client/tool"
	"rouse/internal/face"
)

// programs are the commands besides systemctl's, which have options of their own.
func programs() []*tool.Program { return append(tool.All(), &analyze.Program, &run.Program) }

// program finds the command that is meant, by the name that this one was called as, or
// by its first argument, with or without "systemd-"; what systemctl has as a verb is
// that verb. args begin with its name.
func program(args []string) (p *tool.Program, rest []string) {
	called := filepath.Base(args[0])
	for _, p := range programs() {
		if p.Name == called {
			return p, args
		}
	}
	if called == "systemctl" || len(args) < 2 {
		return nil, nil
	}
	for _, p := range programs() {
		short := strings.TrimPrefix(p.Name, "systemd-")
		if args[1] == p.Name || args[1] == short && verbNamed(short) == nil {
			return p, append([]string{p.Name}, args[2:]...)
		}
	}
	return nil, nil
}

// tool is the world as the programs see it.
func (e Env) tool() tool.Env {
	return tool.Env{
		Args: e.Args, Stdin: e.Stdin, Stdout: e.Stdout, Stderr: e.Stderr, Getenv: e.Getenv,
		Environ: e.Environ, Root: e.Root, Facts: e.Facts, Now: e.Now, Monotonic: e.Monotonic,
		Local: e.Local, ErrorText: e.ErrorText, Terminal: e.Terminal, Width: e.Width, Version: e.Version,
		Dial: func(ctx context.Context, user bool) (face.Manager, error) {
			if e.DialBus != nil {
				if m, err := e.DialBus(user); err == nil {
					return m, nil
				}
			}
			return e.Dial(ctx, user, "")
		},
	}
}
