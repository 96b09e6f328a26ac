//go:build !linux

package spawn

import (
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// What only Linux has.

func (p *planner) namespaces() bool { return false }
func (p *planner) privateUsers()    {}
func (p *planner) filters()         {}
func (p *planner) scheduling()      {}
func (p *planner) keyring()         {}
func (p *planner) boundingSet()     {}
func (p *planner) ambient()         {}
func (p *planner) labels()          {}
func (p *planner) secureBits()      {}
func (p *planner) controlled()      {}
func (p *planner) announce()        {}
func (p *planner) await()           {}
func (p *planner) keepSession()     {}
func (p *planner) cutSession()      {}

func (s *Spawner) startSession(*planner, func(Process)) (Process, *StepError, error) {
	return Process{}, nil, sys.Unsupported("sessions")
}
func (p *planner) ownTerminal() {}

// gate: only Linux has one.
type gate struct{}

// HasView reports whether the process gets a mount namespace of its own.
func (*Spawner) HasView(*Request) bool { return false }

// NewNamespace fails: there are none.
func NewNamespace(Namespace) (fd int, err error) { return -1, sys.Unsupported("namespaces") }

// Into fails: there are no views but one.
func (Bind) Into(int) error { return sys.Unsupported("bind mounts in another view") }

// Confine fails: nothing of that is to be had.
func Confine(_ *unit.Exec, only []string) []error {
	return []error{sys.Unsupported(strings.Join(only, "=, ") + "=")}
}
