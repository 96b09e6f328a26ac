package spawn

import (
	"os"
	"slices"
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// A Session is opened for a process by PAM, in a program that may load libraries: the
// keeper. It is started in the place of the process with all that comes before PAM, opens the
// session, starts the process as a child of its own parent, and closes the session when the
// process has ended. systemd.exec(5), PAMName=.
type Session struct {
	Keeper   string // the path of the program
	Service  string // PAMName=
	User     string
	UID, GID int    // of the user, whom the keeper runs as once the process is there
	Terminal string // TTYPath=; "" is what standard input is, if that is a terminal
}

// Complete finishes environment and arguments of a request with what only the complete
// environment allows: UnsetEnvironment=, and $VAR in arguments. A session does that by
// itself, for PAM has a say in it.
func (r *Request) Complete() {
	if r.Exec != nil {
		r.Env = dropUnset(r.Env, r.Exec.UnsetEnvironment)
	}
	if r.Command.Flags&value.NoExpand == 0 {
		r.Command.Argv = expand(r.Command.Argv, r.Env)
	}
}

// dropUnset carries out UnsetEnvironment=: names, or exact assignments.
func dropUnset(env, unset []string) []string {
	if len(unset) == 0 {
		return env
	}
	return slices.DeleteFunc(env, func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return slices.Contains(unset, kv) || slices.Contains(unset, key)
	})
}

func expand(argv, env []string) []string {
	return value.ExpandArgs(argv, func(name string) (string, bool) {
		for i := len(env) - 1; i >= 0; i-- {
			if v, ok := strings.CutPrefix(env[i], name); ok && strings.HasPrefix(v, "=") {
				return v[1:], true
			}
		}
		return "", false
	})
}

// firstFree is the first descriptor that the process does not use.
func (p *planner) firstFree() int {
	if p.talk != nil {
		return 3 + len(p.r.Files) + keeperFiles
	}
	return 3 + len(p.r.Files)
}

// keeperFiles is how many descriptors of its own a keeper has, above those for the process:
// a connection to its starter, and what it is to do.
const keeperFiles = 2

// A talk is what the starter of a keeper has for it.
type talk struct {
	own  *os.File // the connection
	its  int      // its end of it
	work *os.File // what it is to do
}

func (t *talk) closeIts() {
	if t.its >= 0 {
		_ = sys.CloseFD(t.its)
		t.its = -1
	}
}

func (t *talk) close() {
	t.closeIts()
	if t.own != nil {
		t.own.Close()
	}
	if t.work != nil {
		t.work.Close()
	}
}
