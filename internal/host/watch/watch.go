// Package watch tells when files appear or change, also where directories on the way
// to them do not exist yet, or come to be other ones. It knows paths only. It answers
// for inotify(7), for the watching of systemd.path(5) and, in systemd.service(5), for
// the waiting for PIDFile=. Without inotify it looks at the files once in a while.
package watch

import (
	"fmt"
	"path/filepath"
	"sync"
)

// Kind says what is news about a path itself.
type Kind uint8

// The kinds. Of all of them it is news that something happens on the way to the path.
const (
	Exists   Kind = iota // it goes away, or its attributes change
	Changed              // it is written to and closed, or the entries of a directory change
	Modified             // Changed, and each write
	Entries              // entries are added to a directory
	kinds
)

// Path is what somebody watches: an absolute path.
type Path struct {
	Path string
	Kind Kind
}

// means is how changes are noticed.
type means interface {
	// watch brings what is watched in line with where the paths of w lead now.
	watch(w *watched) error
	forget(w *watched)
	close() error
}

// A Watcher watches many paths with one goroutine. Its methods may be called from
// any goroutine, but not from within changed.
type Watcher struct {
	changed func(id string, index int, itself bool)
	log     func(line string)
	means   means

	mu   sync.Mutex
	sets map[string]*set // by id
}

// set is what is watched on behalf of one id.
type set struct {
	id    string
	paths []*watched
}

// watched is one path.
type watched struct {
	Path
	set   *set
	index int
	trail trail // of inotify
	look  look  // of looking now and then
}

// New starts a watcher. changed is called from its goroutine and must not block: with
// the id, which of its paths it is, and whether it has happened to the path itself, in
// a way that its kind is about, or on the way to it. log takes a line about what cannot
// be watched any more (nil is nowhere).
func New(changed func(id string, index int, itself bool), log func(line string)) (*Watcher, error) {
	if log == nil {
		log = func(string) {}
	}
	w := &Watcher{changed: changed, log: log, sets: map[string]*set{}}
	var err error
	w.means, err = newMeans(w)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Add watches paths on behalf of id, in the place of what id watched before. What was
// there before is for the caller to see afterwards. It fails if nothing on the way to
// one of the paths can be watched; then id watches nothing.
func (w *Watcher) Add(id string, paths ...Path) error {
	s := &set{id: id}
	for i, p := range paths {
		p.Path = filepath.Clean(p.Path)
		if !filepath.IsAbs(p.Path) {
			return fmt.Errorf("watch %s: not an absolute path", p.Path)
		}
		s.paths = append(s.paths, &watched{Path: p, set: s, index: i})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.sets[id]
	for _, p := range s.paths { // before the old ones go: they share most directories
		if err := w.means.watch(p); err != nil {
			w.drop(s)
			w.drop(old)
			delete(w.sets, id)
			return err
		}
	}
	w.drop(old)
	w.sets[id] = s
	return nil
}

// Remove stops watching for id. A call of changed for it may still be under way.
func (w *Watcher) Remove(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(w.sets[id])
	delete(w.sets, id)
}

func (w *Watcher) drop(s *set) {
	if s == nil {
		return
	}
	for _, p := range s.paths {
		w.means.forget(p)
	}
}

// Close ends the watcher and waits for a call of changed under way.
func (w *Watcher) Close() error { return w.means.close() }

// news is what is to be told of a path.
type news struct {
	p      *watched
	itself bool
}

// tell calls changed for each path once.
func (w *Watcher) tell(list []news) {
	itself := map[*watched]bool{}
	for _, n := range list {
		itself[n.p] = itself[n.p] || n.itself
	}
	for _, n := range list {
		if is, first := itself[n.p]; first {
			delete(itself, n.p)
			w.changed(n.p.set.id, n.p.index, is)
		}
	}
}
