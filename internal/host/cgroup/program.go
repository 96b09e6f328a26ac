package cgroup

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"rouse/internal/host/sys"
	"rouse/internal/host/sys/bpf"
)

// A Program is one that the kernel runs for the processes of a group. bpf(2).
type Program struct {
	Name  string // of the setting that it is for
	Type  uint32 // bpf.DeviceUse and kin
	Place uint32 // bpf.Device and kin
	Code  []uint64
	// Function is what a program of bpf.Security is asked at.
	Function uint32
	// Counters are the instructions whose number is to be the descriptor of the group's
	// counters.
	Counters []int
	// Pinned is the path of a program that others have loaded, if there is no Code.
	Pinned string
}

// traffic is how many counters a group has: bytes and packets in, bytes and packets out.
const traffic = 4

// attached is a program that a group has.
type attached struct {
	Place uint32
	ID    uint32
	Hash  uint64
}

// hash tells programs apart; it is FNV-1a, by words.
func (p *Program) hash() uint64 {
	h := uint64(14695981039346656037)
	add := func(n uint64) { h = (h ^ n) * 1099511628211 }
	add(uint64(p.Type)<<32 | uint64(p.Place))
	add(uint64(p.Function))
	for _, n := range p.Code {
		add(n)
	}
	for _, c := range []byte(p.Pinned) {
		add(uint64(c))
	}
	return h
}

// A shelf keeps programs that many groups have. Those that count are each a group's.
type shelf struct {
	mu     sync.Mutex
	loaded map[uint64]loaded
	refuse map[uint32]error // by type, why the kernel takes none
}

type loaded struct {
	fd   int
	id   uint32
	code []uint64
}

// shelfMost is how many programs are kept. The kernel has those that are in use.
const shelfMost = 64

// get loads a program, or finds it. The caller calls done when it has no use for the
// descriptor any more.
func (l *shelf) get(p *Program, counters int) (fd int, id uint32, done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refuse[p.Type]; err != nil && p.Pinned == "" {
		return -1, 0, nil, err
	}
	key := p.hash()
	shared := p.Pinned == "" && len(p.Counters) == 0
	if have, ok := l.loaded[key]; ok && shared && slices.Equal(have.code, p.Code) {
		return have.fd, have.id, func() {}, nil
	}
	if p.Pinned != "" {
		fd, err = bpf.Pinned(p.Pinned)
	} else {
		code := slices.Clone(p.Code)
		for _, at := range p.Counters {
			code[at] |= uint64(uint32(counters)) << 32
		}
		fd, err = bpf.Load(p.Type, p.Place, p.Function, code)
	}
	if err == nil {
		if id, err = bpf.ID(fd); err != nil {
			sys.CloseFD(fd)
		}
	}
	if err != nil {
		if p.Pinned == "" && (errors.Is(err, sys.EPERM) || errors.Is(err, errors.ErrUnsupported)) {
			if l.refuse == nil {
				l.refuse = map[uint32]error{}
			}
			l.refuse[p.Type] = err
		}
		return -1, 0, nil, err
	}
	if !shared || len(l.loaded) >= shelfMost {
		return fd, id, func() { sys.CloseFD(fd) }, nil
	}
	if l.loaded == nil {
		l.loaded = map[uint64]loaded{}
	}
	l.loaded[key] = loaded{fd, id, p.Code}
	return fd, id, func() {}, nil
}

// AttachTo has the kernel run the program for a group, as long as that is there. What
// counts takes a manager, which asks for what was counted.
func (p *Program) AttachTo(group string) error {
	if len(p.Counters) > 0 {
		return errors.New("this counts, which is for a service manager to do")
	}
	dir, err := sys.OpenPath(group)
	if err != nil {
		return err
	}
	defer sys.CloseFD(dir)
	fd, _, done, err := new(shelf).get(p, 0)
	if err != nil {
		return err
	}
	defer sys.CloseFD(fd)
	defer done()
	return bpf.Attach(dir, fd, p.Place)
}

// close forgets all programs.
func (l *shelf) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.loaded {
		sys.CloseFD(p.fd)
	}
	clear(l.loaded)
}

// attach brings the programs of a group in line with a list: first what is new, so
// that at no time less is forbidden than before or after. g.control is held.
func (g *group) attach(programs []Program) (errs []error) {
	g.h.mu.Lock()
	old, counters := g.applied.programs, g.applied.counters
	g.h.mu.Unlock()
	if len(programs) == 0 && len(old) == 0 {
		return nil
	}
	dir, err := sys.OpenPath(g.dir)
	if err != nil {
		return []error{err}
	}
	defer sys.CloseFD(dir)
	var now []attached
	for i := range programs {
		p := &programs[i]
		hash := p.hash()
		had := slices.IndexFunc(old, func(a attached) bool { return a.Hash == hash && p.Pinned == "" })
		if had >= 0 {
			now = append(now, old[had])
			continue
		}
		if len(p.Counters) > 0 && counters == 0 {
			if counters, err = bpf.Counters(traffic); err != nil {
				counters = 0
				errs = append(errs, fmt.Errorf("%s=: %w", p.Name, err))
				continue
			}
		}
		fd, id, done, err := g.h.shelf.get(p, counters)
		if err == nil {
			err = bpf.Attach(dir, fd, p.Place)
			done()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=: %w", p.Name, err))
			continue
		}
		now = append(now, attached{p.Place, id, hash})
	}
	for _, a := range old {
		if slices.ContainsFunc(now, func(n attached) bool { return n.ID == a.ID && n.Place == a.Place }) {
			continue
		}
		fd, err := bpf.ByID(a.ID, true)
		if err == nil {
			err = bpf.Detach(dir, fd, a.Place)
			sys.CloseFD(fd)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("take a program away: %w", err))
		}
	}
	g.h.mu.Lock()
	g.applied.programs, g.applied.counters = now, counters
	g.h.mu.Unlock()
	return errs
}

// Traffic gives bytes and packets that came in, and bytes and packets that went out;
// false if nobody counts them.
func (g *group) Traffic() (n [traffic]uint64, ok bool) {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	if g.applied.counters == 0 {
		return n, false
	}
	for i := range n {
		var err error
		if n[i], err = bpf.Counter(g.applied.counters, i); err != nil {
			return n, false
		}
	}
	return n, true
}

// forget closes what counts; the programs go with the directory.
func (a *applied) forget() {
	if a.counters > 0 {
		sys.CloseFD(a.counters)
	}
	*a = applied{}
}
