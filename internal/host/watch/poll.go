package watch

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// poll is the means of systems without inotify: it looks at what is watched every two
// seconds, and not at all while nothing is. What changes and is as before in between
// is not seen, and neither is a write within the same tick of the file system's clock.
type poll struct {
	w     *Watcher
	every time.Duration
	wake  chan struct{}
	stop  chan struct{}
	done  chan struct{}
}

// look is what a path looked like.
type look struct {
	taken bool
	info  os.FileInfo // nil if it is not there
	globs string      // what a glob matched
}

func newPoll(w *Watcher, every time.Duration) *poll {
	m := &poll{
		w: w, every: every,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go m.run()
	return m
}

func (m *poll) watch(p *watched) error {
	p.look = take(p.Path.Path)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return nil
}

func (m *poll) forget(p *watched) { p.look = look{} }

func (m *poll) close() error {
	close(m.stop)
	<-m.done
	return nil
}

func take(path string) look {
	l := look{taken: true}
	l.info, _ = os.Stat(path)
	if strings.ContainsAny(path, "*?[") {
		names, _ := filepath.Glob(path)
		l.globs = strings.Join(names, "\x00")
	}
	return l
}

// differs tells whether something has happened, and whether to the path itself.
func (l look) differs(o look) (differs, itself bool) {
	switch {
	case l.globs != o.globs, (l.info == nil) != (o.info == nil):
		return true, l.info != nil && o.info == nil
	case l.info == nil:
		return false, false
	}
	same := os.SameFile(l.info, o.info) && l.info.ModTime().Equal(o.info.ModTime()) &&
		l.info.Size() == o.info.Size() && l.info.Mode() == o.info.Mode()
	return !same, !same
}

func (m *poll) run() {
	defer close(m.done)
	tick := time.NewTicker(m.every)
	defer tick.Stop()
	for {
		select {
		case <-m.stop:
			return
		case <-tick.C:
		}
		list, any := m.lookAround()
		m.w.tell(list)
		if any {
			continue
		}
		tick.Stop()
		select {
		case <-m.stop:
			return
		case <-m.wake:
			tick.Reset(m.every)
		}
	}
}

// lookAround finds what has changed, and whether there is anything to look at.
func (m *poll) lookAround() (list []news, any bool) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, s := range m.w.sets {
		for _, p := range s.paths {
			any = true
			is := take(p.Path.Path)
			if differs, itself := p.look.differs(is); differs {
				list = append(list, news{p, itself})
			}
			p.look = is
		}
	}
	return list, any
}
