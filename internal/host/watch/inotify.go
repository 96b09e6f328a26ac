package watch

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"rouse/internal/host/sys"
)

// masks are what inotify is asked of the paths themselves.
var masks = [kinds]uint32{
	Exists: ofSelf,
	Changed: ofSelf | sys.InCloseWrite | sys.InCreate | sys.InDelete | sys.InMovedFrom |
		sys.InMovedTo,
	Modified: ofSelf | sys.InCloseWrite | sys.InCreate | sys.InDelete | sys.InMovedFrom |
		sys.InMovedTo | sys.InModify,
	Entries: ofSelf | sys.InCreate | sys.InMovedTo,
}

const (
	ofSelf = sys.InDeleteSelf | sys.InMoveSelf | sys.InAttrib
	onWay  = ofSelf | sys.InCreate | sys.InMovedTo // of the last directory that exists
	moved  = sys.InMoveSelf                        // of one in which it leads on
)

// inotify is the means of Linux: each directory on the way to a path is watched, those
// that symlinks lead to as well, so that any change of the way is noticed.
type inotify struct {
	w     *Watcher
	n     *sys.Inotify
	done  chan struct{}
	marks map[int]*mark // by inotify's number
}

// mark is one inode that inotify watches, and on behalf of which paths.
type mark struct {
	path  string // one that led to it
	flag  uint32 // how: IN_DONT_FOLLOW
	mask  uint32 // what the kernel tells of
	users map[*watched]use
}

// use is what a path wants to know of an inode.
type use struct {
	mask   uint32
	next   string // only of this entry of a directory; "" is of any
	itself bool
}

// trail is what leads to a path: inodes, by inotify's numbers.
type trail map[int]use

func newInotify(w *Watcher) (means, error) {
	n, err := sys.NewInotify()
	if err != nil {
		return nil, err
	}
	m := &inotify{w: w, n: n, done: make(chan struct{}), marks: map[int]*mark{}}
	go m.run()
	return m, nil
}

func (m *inotify) close() error {
	err := m.n.Close()
	<-m.done
	return err
}

// step is a directory on the way to a path, or the path itself.
type step struct {
	path, next string
	last       bool
}

// steps lists them from the root on.
func steps(path string) []step {
	var list []step
	for i := range len(path) - 1 {
		if path[i] == '/' {
			next, _, _ := strings.Cut(path[i+1:], "/")
			if strings.ContainsAny(next, "*?[") {
				next = "" // of a glob, any entry may be it
			}
			list = append(list, step{path: path[:max(i, 1)], next: next})
		}
	}
	return append(list, step{path: path, last: true})
}

// watch watches what leads to the path now, from the root on, and gives up what did
// before. What appears while it looks is not missed: each directory is watched before
// what is in it is looked for.
func (m *inotify) watch(p *watched) error {
	now := trail{}
	err := m.walk(p, now)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		err = nil // the rest is not to be had for the time being
	}
	if len(now) == 0 && err == nil {
		err = errors.New("nothing on the way can be watched")
	}
	if err != nil {
		err = fmt.Errorf("watch %s: %w", p.Path.Path, err)
		now = nil
	}
	m.follow(p, now)
	return err
}

func (m *inotify) forget(p *watched) { m.follow(p, nil) }

// follow puts a trail in the place of the former one.
func (m *inotify) follow(p *watched, now trail) {
	old := p.trail
	p.trail = now
	for number := range old {
		if k := m.marks[number]; k != nil {
			delete(k.users, p)
		}
	}
	for number, u := range now {
		m.marks[number].users[p] = u
	}
	for _, t := range [...]trail{old, now} {
		for number := range t {
			m.trim(number)
		}
	}
}

// walk notes what leads to the path. The error is why it leads no further.
func (m *inotify) walk(p *watched, now trail) error {
	var passed []int // the directory before this step
	for _, s := range steps(p.Path.Path) {
		u := use{mask: onWay, next: s.next}
		if s.last {
			u = use{mask: masks[p.Kind]}
		}
		link, err := m.add(s.path, sys.InDontFollow, u, now) // the same as number if it is no link
		number := 0
		if err == nil {
			number, err = m.add(s.path, 0, u, now)
		}
		if !s.last && errors.Is(err, os.ErrPermission) {
			passed = nil // it may not be read, but what is beyond it, perhaps
			continue
		}
		if err != nil {
			return err
		}
		u.itself = s.last
		now[number] = u
		for _, n := range passed { // it is there: its directory need not be watched closely
			if now[n].itself || n == number || n == link {
				continue
			}
			now[n] = use{mask: moved}
		}
		passed = []int{number}
	}
	return nil
}

// add watches an inode.
func (m *inotify) add(path string, flag uint32, u use, now trail) (number int, err error) {
	number, err = m.n.Add(path, u.mask|flag|sys.InMaskAdd)
	if err != nil {
		return 0, err
	}
	k := m.marks[number]
	if k == nil {
		k = &mark{users: map[*watched]use{}}
		m.marks[number] = k
	}
	k.path, k.flag, k.mask = path, flag, k.mask|u.mask
	now[number] = u
	return number, nil
}

// trim has the kernel tell no more of an inode than somebody wants to know.
func (m *inotify) trim(number int) {
	k := m.marks[number]
	if k == nil {
		return
	}
	want := uint32(0)
	for _, u := range k.users {
		want |= u.mask
	}
	switch {
	case want == 0:
		delete(m.marks, number)
		m.n.Remove(number)
	case want != k.mask:
		got, err := m.n.Add(k.path, want|k.flag)
		switch {
		case err != nil: // it is elsewhere now, and the kernel tells of more
		case got == number:
			k.mask = want
		case m.marks[got] == nil:
			m.n.Remove(got)
		default:
			m.marks[got].mask = want
		}
	}
}

func (m *inotify) run() {
	defer close(m.done)
	for {
		events, err := m.n.Read()
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				m.w.log("watch files: " + err.Error() + "; no changes are noticed any more")
			}
			return
		}
		var list []news
		m.w.mu.Lock()
		for _, e := range events {
			list = append(list, m.event(e)...)
		}
		m.w.mu.Unlock()
		m.w.tell(list)
	}
}

// event gives the paths that an event is about, and follows where they lead now.
func (m *inotify) event(e sys.InotifyEvent) (list []news) {
	if e.Mask&sys.InOverflow != 0 { // anything may have happened
		for _, s := range m.w.sets {
			for _, p := range s.paths {
				m.again(p)
				list = append(list, news{p, true})
			}
		}
		return list
	}
	k := m.marks[e.Watch]
	if k == nil {
		return nil
	}
	gone := e.Mask&sys.InIgnored != 0
	if gone {
		delete(m.marks, e.Watch)
	}
	for p, u := range k.users {
		hit := e.Mask&u.mask != 0 && (u.next == "" || e.Name == "" || e.Name == u.next)
		if !hit && !gone {
			continue
		}
		list = append(list, news{p, u.itself && hit})
		if gone || !u.itself || e.Mask&ofSelf != 0 {
			m.again(p)
		}
	}
	return list
}

// again looks anew where a path leads. That the watcher is being closed meanwhile is no
// failure.
func (m *inotify) again(p *watched) {
	if err := m.watch(p); err != nil && !errors.Is(err, os.ErrClosed) {
		m.w.log(strings.TrimPrefix(err.Error(), "watch ") + "; its changes are not noticed any more")
	}
}
