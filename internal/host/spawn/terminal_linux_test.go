package spawn

import (
	"errors"
	"strings"
	"testing"

	"rouse/internal/host/sys"
)

// A terminal controls the process that it is given to, and only one session has it.
func TestTerminal(t *testing.T) {
	master, path, err := sys.OpenTerminal()
	if err != nil {
		t.Skip(err)
	}
	defer master.Close()
	fd, err := sys.OpenStream(path, true, true, false)
	if err != nil {
		t.Skip(err)
	}
	defer sys.CloseFD(fd)
	everyMeans(t, func(t *testing.T, s *Spawner) {
		for kind, want := range map[Terminal]string{
			NoTerminal: "none", MayControl: "controlled", MustControl: "controlled",
			SeizedTerminal: "controlled",
		} {
			r := sh("if (: < /dev/tty) 2> /dev/null; then echo controlled; else echo none; fi")
			r.Stdin, r.Terminal = fd, kind
			got := do(t, s, r)
			if errors.Is(got.err, sys.EPERM) && kind == SeizedTerminal {
				continue // who is not mighty may not
			}
			if got.err != nil || strings.TrimSpace(got.out) != want {
				t.Errorf("%d: %+v, want %s", kind, got, want)
			}
		}
	})
	r := sh("echo ran")
	r.Terminal = MayControl // which /dev/null cannot
	if got := do(t, &Spawner{}, r); got.out != "ran\n" || got.err != nil {
		t.Errorf("no terminal: %+v", got)
	}
	r.Terminal = MustControl
	if got := do(t, &Spawner{}, r); got.status != StatusStdin || got.err == nil {
		t.Errorf("no terminal, and it must be: %+v", got)
	}
}
