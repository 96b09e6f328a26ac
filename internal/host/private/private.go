// Package private keeps what the processes of a unit have to themselves and share with
// each other: temporary directories, and namespaces for the network and IPC. It knows
// units by name, and which of them join each other. It answers for JoinsNamespaceOf= of
// systemd.unit(5), and for PrivateTmp=, PrivateNetwork= and PrivateIPC= of systemd.exec(5)
// as far as something outlives a process.
package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// A Space is what one unit has to itself, or several that join each other.
type Space struct {
	// Tmp and VarTmp are directories that are mounted at /tmp and /var/tmp; "" is none.
	Tmp, VarTmp string
	// Network and IPC are descriptors of namespaces; -1 is none.
	Network, IPC int
	Units        []string // that have it

	making sync.Mutex
}

// Spaces are those of all units. The zero value has none.
type Spaces struct {
	mu   sync.Mutex
	list map[string]*Space // by unit
	// TmpDirs is where directories are made: /tmp and /var/tmp; for tests.
	TmpDirs [2]string
	// BootID gives what they are named after.
	BootID func() (string, error)
	// Namespace makes a namespace and gives its descriptor; nil leaves that to each process.
	Namespace func(kind spawn.Namespace) (fd int, err error)
}

// Of gives the space of a unit. A new one is made for a unit that has none, unless one of
// those that it joins has. What is in it is made by Prepare.
func (s *Spaces) Of(name string, joins []string) *Space {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sp := s.list[name]; sp != nil {
		return sp
	}
	sp := &Space{Network: -1, IPC: -1}
	for _, other := range joins {
		if o := s.list[other]; o != nil {
			sp = o
			break
		}
	}
	if s.list == nil {
		s.list = map[string]*Space{}
	}
	s.list[name] = sp
	sp.Units = append(sp.Units, name)
	return sp
}

// Needs reports whether the processes of a unit have anything to themselves.
func Needs(x *unit.Exec) bool {
	return x.PrivateTmp || x.PrivateNetwork || x.PrivateIPC
}

// An Error is something of a Space that cannot be made.
type Error struct {
	Directive string // that asks for it
	Err       error
}

func (e *Error) Error() string { return e.Directive + "=: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Prepare makes what a unit needs and its space has not got.
func (s *Spaces) Prepare(sp *Space, name string, x *unit.Exec) *Error {
	sp.making.Lock()
	defer sp.making.Unlock()
	if x.PrivateTmp && sp.Tmp == "" {
		if err := s.makeTmp(sp, name); err != nil {
			return &Error{"PrivateTmp", err}
		}
	}
	if x.PrivateNetwork && x.NetworkNamespacePath == "" {
		s.namespace(&sp.Network, spawn.NetworkNamespace)
	}
	if x.PrivateIPC && x.IPCNamespacePath == "" {
		s.namespace(&sp.IPC, spawn.IPCNamespace)
	}
	return nil
}

// namespace makes one that is not there yet. Where that cannot be done, no process can do
// it either, and each says so.
func (s *Spaces) namespace(fd *int, kind spawn.Namespace) {
	if *fd >= 0 || s.Namespace == nil {
		return
	}
	if made, err := s.Namespace(kind); err == nil {
		*fd = made
	}
}

// makeTmp makes both directories, or none.
func (s *Spaces) makeTmp(sp *Space, name string) error {
	boot, err := s.BootID()
	if err != nil {
		return err
	}
	var made [2]string
	for i, dir := range s.tmpDirs() {
		if made[i], err = makeOne(dir, boot, name); err != nil {
			if i > 0 {
				removeTmp(made[0])
			}
			return err
		}
	}
	sp.Tmp, sp.VarTmp = made[0], made[1]
	return nil
}

func (s *Spaces) tmpDirs() [2]string {
	if s.TmpDirs[0] == "" {
		return [2]string{"/tmp", "/var/tmp"}
	}
	return s.TmpDirs
}

// makeOne makes a directory that only root can go through, and in it the one that is to
// be mounted. The name has the boot in it, so that what is left over can be told.
func makeOne(dir, boot, name string) (string, error) {
	outer, err := os.MkdirTemp(dir, "systemd-private-"+boot+"-"+name+"-*")
	if err != nil {
		return "", err
	}
	inner := filepath.Join(outer, "tmp")
	err = os.Mkdir(inner, 0o700)
	if err == nil {
		err = os.Chmod(inner, 0o777|fs.ModeSticky)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(outer))
	}
	return inner, nil
}

// removeTmp removes what makeOne has made, with all that is in it.
func removeTmp(inner string) error {
	if inner == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(inner))
}

// Drop takes a unit out of its space. It gives what removes the space if it was the last
// one in it, which may take long; else nil.
func (s *Spaces) Drop(name string) func() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.list[name]
	if sp == nil {
		return nil
	}
	delete(s.list, name)
	for i, u := range sp.Units {
		if u == name {
			sp.Units = append(sp.Units[:i], sp.Units[i+1:]...)
			break
		}
	}
	if len(sp.Units) > 0 {
		return nil
	}
	return sp.remove
}

func (sp *Space) remove() error {
	sp.making.Lock()
	defer sp.making.Unlock()
	for _, fd := range []*int{&sp.Network, &sp.IPC} {
		if *fd >= 0 {
			sys.CloseFD(*fd)
		}
		*fd = -1
	}
	err := errors.Join(removeTmp(sp.Tmp), removeTmp(sp.VarTmp))
	sp.Tmp, sp.VarTmp = "", ""
	return err
}

// Saved gives the spaces for a manager that goes on with them; Restore takes them.
func (s *Spaces) Saved() (list []*Space) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[*Space]bool{}
	for _, sp := range s.list {
		if !seen[sp] {
			seen[sp] = true
			list = append(list, sp)
		}
	}
	return list
}

// Restore takes over what Saved has given.
func (s *Spaces) Restore(list []*Space) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = map[string]*Space{}
	for _, sp := range list {
		for _, name := range sp.Units {
			s.list[name] = sp
		}
	}
}
