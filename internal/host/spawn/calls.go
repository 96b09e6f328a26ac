package spawn

import "rouse/internal/host/sys"

// A call is one system call of a stepCalls: what has no step of its own is a row of
// them. Only files for one system make any, for their numbers are that system's.
type call struct {
	nr   uintptr
	args []arg
	// fine are errors that are no failure, three at most; any is that none is. skip is
	// how many of the next calls are left out after such an error, done how many are
	// after success.
	fine       []sys.Errno
	any        bool
	skip, done int
	// does, path and directive say what fails, if that is not what the step says.
	does, path, directive string
}

// describe is what fails if the call does, as part of the step.
func (c *call) describe(s *step) (text, directive string) {
	if c.does == "" {
		return s.text, s.directive
	}
	directive = c.directive
	if directive == "" {
		directive = s.directive
	}
	return c.does + " " + c.path, directive
}

// An arg is an argument of a call.
type arg struct {
	kind argKind
	n    int64
	text string
}

type argKind uint8

const (
	argNumber argKind = iota // n
	argText                  // the address of text and a NUL byte
	argBlock                 // the address of text, aligned for any word
	argResult                // what call n of the step gave; two arguments at most can be that
	argFilter                // the address of a struct sock_fprog for the program text
	argKinds
)

func num(n int) arg             { return arg{n: int64(n)} }
func textArg(s string) arg      { return arg{kind: argText, text: s} }
func blockArg(b []byte) arg     { return arg{kind: argBlock, text: string(b)} }
func resultOf(call int) arg     { return arg{kind: argResult, n: int64(call)} }
func filterArg(prog []byte) arg { return arg{kind: argFilter, text: string(prog)} }
