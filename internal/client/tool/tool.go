// Package tool is systemd's small programs, which the client answers to by their names:
// systemd-escape, systemd-path, systemd-notify and kin. Each prints what systemd's prints
// and ends as that does; the scripts in testdata say what that is. It knows no manager.
// It answers for systemd-escape(1), systemd-path(1), systemd-id128(1), systemd-delta(1),
// systemd-cgls(1), systemd-notify(1), systemd-socket-activate(1), systemd-cat(1) and
// systemd-detect-virt(1).
package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rouse/internal/client/getopt"
	"rouse/internal/face"
	"rouse/internal/unit/specifier"
)

// Env is all that a program sees of the world.
type Env struct {
	Args           []string // with the name of the program itself
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Environ        func() []string
	// Dial connects to the manager of the system, or of the user.
	Dial func(ctx context.Context, user bool) (face.Manager, error)
	// Root opens a root directory.
	Root func(dir string) fs.ReadLinkFS
	// Facts gives what specifiers tell of the machine with that root directory; nil is
	// that nothing is known.
	Facts     func(root string) *specifier.Machine
	Now       func() time.Time
	Monotonic func() uint64 // CLOCK_MONOTONIC in microseconds
	Local     *time.Location
	ErrorText func(errno int) string // what an error number of the kernel means
	Terminal  bool
	Width     int
	Version   string
}

// Flag is an option of a program. A "?" before Arg says that it may be left out.
type Flag struct{ Short, Long, Arg, Help string }

// Program is one of them.
type Program struct {
	Name  string
	Args  string // as the help shows them
	About string // one line
	Verbs []Verb // the first argument, if there are any
	Flags []Flag
	Stop  bool // options end at the first argument
	Run   func(r *Run) (status int, err error)
}

// Verb is a word that says what to do.
type Verb struct{ Name, Args, Help string }

// Run is one run of a program.
type Run struct {
	Env
	Ctx     context.Context
	Program *Program
	Args    []string // without options
	given   map[string][]string
}

// common are options that all programs have.
var common = []Flag{
	{"h", "help", "", "Show this help"},
	{"", "version", "", "Show package version"},
}

// All gives all programs of this package, by name.
func All() []*Program {
	return []*Program{
		&catProgram, &cglsProgram, &deltaProgram, &virtProgram, &escapeProgram, &idProgram,
		&notifyProgram, &pathProgram, &activateProgram,
	}
}

// Main runs a program and gives its exit status.
func (p *Program) Main(ctx context.Context, env Env) int {
	r := &Run{Env: env, Ctx: ctx, Program: p, given: map[string][]string{}}
	name := filepath.Base(env.Args[0])
	args, err := getopt.Parse(r.flags(), env.Args[1:], !p.Stop)
	if err != nil {
		fmt.Fprintf(r.Stderr, "%s: %v\n", name, err)
		return 1
	}
	r.Args = args
	switch {
	case r.Has("help"):
		r.Help()
		return 0
	case r.Has("version"):
		fmt.Fprintf(r.Stdout, "systemd 252 (rouse %s)\n", r.Version)
		return 0
	}
	status, err := p.Run(r)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(r.Stderr, err)
	}
	if err != nil && status == 0 {
		status = 1
	}
	return status
}

// ErrTold is the error of a program that has said all already.
var ErrTold = errors.New("")

// flags describes the options to the parser, which notes what is given.
func (r *Run) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	for _, list := range [...][]Flag{r.Program.Flags, common} {
		for _, o := range list {
			long := o.Long
			if long == "" {
				long = o.Short
			}
			if f.Lookup(long) != nil {
				continue
			}
			g := f.VarPF(noted{r, long, o.Arg != ""}, long, o.Short, "")
			if o.Arg == "" || o.Arg[0] == '?' {
				g.NoOptDefVal = absent
			}
		}
	}
	return f
}

// absent is the value of an option that has none.
const absent = "\x00"

// noted notes the values of an option.
type noted struct {
	r    *Run
	name string
	arg  bool
}

func (n noted) String() string { return "" }
func (n noted) Type() string   { return "string" }

func (n noted) Set(v string) error {
	n.r.given[n.name] = append(n.r.given[n.name], strings.TrimPrefix(v, absent))
	return nil
}

// Has tells whether an option was given.
func (r *Run) Has(name string) bool { return len(r.given[name]) > 0 }

// Value gives the last value of an option.
func (r *Run) Value(name string) string {
	list := r.given[name]
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// Values gives all values of an option.
func (r *Run) Values(name string) []string { return r.given[name] }

// Complain makes an error message.
func Complain(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Say prints a line on standard error.
func (r *Run) Say(format string, args ...any) { fmt.Fprintf(r.Stderr, format+"\n", args...) }

// Print prints on standard output.
func (r *Run) Print(format string, args ...any) { fmt.Fprintf(r.Stdout, format, args...) }

// Help prints what the program can do.
func (r *Run) Help() {
	p := r.Program
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s [OPTIONS...] %s\n\n%s.\n", filepath.Base(r.Env.Args[0]), p.Args, p.About)
	if len(p.Verbs) > 0 {
		b.WriteString("\nCommands:\n")
		for _, v := range p.Verbs {
			if v.Help != "" {
				fmt.Fprintf(b, "  %-26s %s\n", strings.TrimSpace(v.Name+" "+v.Args), v.Help)
			}
		}
	}
	b.WriteString("\nOptions:\n")
	for _, list := range [...][]Flag{p.Flags, common} {
		for _, o := range list {
			fmt.Fprintf(b, "  %-26s %s\n", o.Spelled(), o.Help)
		}
	}
	io.WriteString(r.Stdout, b.String())
}

// Spelled is the option as the help has it.
func (o Flag) Spelled() string {
	s := "   "
	if o.Short != "" {
		s = "-" + o.Short
		if o.Long != "" {
			s += " "
		}
	}
	if o.Long != "" {
		s += "--" + o.Long
	}
	switch arg, optional := strings.CutPrefix(o.Arg, "?"); {
	case optional:
		s += "[=" + arg + "]"
	case arg != "" && o.Long != "":
		s += "=" + arg
	case arg != "":
		s += " " + arg
	}
	return s
}
