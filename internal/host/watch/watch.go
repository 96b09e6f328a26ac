// Package watch tells when a file appears or changes, also where directories on
// the way to it do not exist yet. It knows paths only. It answers for inotify(7)
// and, in systemd.service(5), for the waiting for PIDFile=.
package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"rouse/internal/host/sys"
)

// mask is what is watched of a directory, the same for all so that several paths
// can share one.
const mask = sys.InCreate | sys.InMovedTo | sys.InCloseWrite | sys.InAttrib |
	sys.InDeleteSelf | sys.InMoveSelf | sys.InOnlyDir

// A Watcher watches many paths with one goroutine. Its methods may be called from
// any goroutine, but not from within changed.
type Watcher struct {
	changed func(id string)
	log     func(line string)
	inotify *sys.Inotify
	done    chan struct{}

	mu    sync.Mutex
	paths map[string]*watched         // by id
	dirs  map[int]map[string]*watched // by inotify's number, then by id
}

// watched is one path. Watched is the deepest directory above it that exists.
type watched struct {
	id, path string
	next     string // the name in that directory that leads on
	last     bool   // next is the last of the path
	dir      int    // inotify's number of that directory; -1 if none
}

// New starts a watcher. changed is called from its goroutine with the id and
// must not block; log takes a line about a path that cannot be watched any more
// (nil is nowhere). sys.ErrUnsupported where the system has no inotify.
func New(changed func(id string), log func(line string)) (*Watcher, error) {
	n, err := sys.NewInotify()
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = func(string) {}
	}
	w := &Watcher{
		changed: changed, log: log, inotify: n, done: make(chan struct{}),
		paths: map[string]*watched{}, dirs: map[int]map[string]*watched{},
	}
	go w.run()
	return w, nil
}

// Add watches an absolute path on behalf of id, in the place of what id watched
// before. exists tells whether it is there now; changed is called whenever it is
// created, moved there, written and closed, or its attributes change. Symlinks
// are followed as they are when a directory is looked at.
func (w *Watcher) Add(id, path string) (exists bool, err error) {
	path = filepath.Clean(path)
	if !filepath.IsAbs(path) || path == "/" {
		return false, fmt.Errorf("watch %s: not the absolute path of a file", path)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(id)
	p := &watched{id: id, path: path, dir: -1}
	exists, err = w.arm(p)
	if err != nil {
		return false, err
	}
	w.paths[id] = p
	return exists, nil
}

// Remove stops watching for id. A call of changed for it may still be under way.
func (w *Watcher) Remove(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(id)
}

// Close ends the watcher and waits for a call of changed under way.
func (w *Watcher) Close() error {
	err := w.inotify.Close()
	<-w.done
	return err
}

func (w *Watcher) remove(id string) {
	if p := w.paths[id]; p != nil {
		w.disarm(p)
		delete(w.paths, id)
	}
}

// arm watches the deepest directory there is. What is made while it looks is not
// missed: it looks again after each watch is set.
func (w *Watcher) arm(p *watched) (exists bool, err error) {
	for range 1000 {
		dir, next, last := deepest(p.path)
		n, err := w.inotify.Add(dir, mask)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, sys.ENOTDIR) {
			continue // gone meanwhile
		}
		if err != nil {
			return false, err
		}
		if n != p.dir {
			w.disarm(p)
			p.dir = n
			if w.dirs[n] == nil {
				w.dirs[n] = map[string]*watched{}
			}
			w.dirs[n][p.id] = p
		}
		p.next, p.last = next, last
		_, err = os.Stat(p.path)
		if err == nil && last {
			return true, nil
		}
		if again, _, _ := deepest(p.path); again == dir {
			return false, nil
		}
	}
	return false, fmt.Errorf("watch %s: directories come and go too quickly", p.path)
}

// deepest gives the deepest directory above path that exists, the name in it that
// leads on to path, and whether that is the last one.
func deepest(path string) (dir, next string, last bool) {
	dir, next = filepath.Split(path)
	dir = filepath.Clean(dir)
	last = true
	for dir != "/" {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			break
		}
		dir, next = filepath.Dir(dir), filepath.Base(dir)
		last = false
	}
	return dir, next, last
}

// disarm gives up the directory of p if nobody else watches it.
func (w *Watcher) disarm(p *watched) {
	if p.dir < 0 {
		return
	}
	delete(w.dirs[p.dir], p.id)
	if len(w.dirs[p.dir]) == 0 {
		delete(w.dirs, p.dir)
		w.inotify.Remove(p.dir)
	}
	p.dir = -1
}

func (w *Watcher) run() {
	defer close(w.done)
	for {
		events, err := w.inotify.Read()
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				w.log("watch files: " + err.Error() + "; no changes are noticed any more")
			}
			return
		}
		var ids []string
		w.mu.Lock()
		for _, e := range events {
			ids = append(ids, w.event(e)...)
		}
		w.mu.Unlock()
		told := map[string]bool{}
		for _, id := range ids {
			if !told[id] {
				told[id] = true
				w.changed(id)
			}
		}
	}
}

// event gives the ids of the paths that an event is about.
func (w *Watcher) event(e sys.InotifyEvent) (ids []string) {
	if e.Mask&sys.InOverflow != 0 {
		for id, p := range w.paths { // anything may have happened
			w.again(p)
			ids = append(ids, id)
		}
		return ids
	}
	if e.Mask&sys.InMoveSelf != 0 {
		w.inotify.Remove(e.Watch) // InIgnored follows; that directory is another now
		return nil
	}
	gone := e.Mask&sys.InIgnored != 0
	for id, p := range w.dirs[e.Watch] {
		switch {
		case gone:
			p.dir = -1
			if w.again(p) {
				ids = append(ids, id)
			}
		case e.Name != p.next:
		case p.last:
			if e.Mask&(sys.InCreate|sys.InMovedTo|sys.InCloseWrite|sys.InAttrib) != 0 {
				ids = append(ids, id)
			}
		case w.again(p):
			ids = append(ids, id)
		}
	}
	if gone {
		delete(w.dirs, e.Watch)
	}
	return ids
}

// again looks anew for the deepest directory, and reports whether the file is there.
func (w *Watcher) again(p *watched) bool {
	exists, err := w.arm(p)
	if err != nil {
		w.log(strings.TrimPrefix(err.Error(), "watch ") + "; its changes are not noticed any more")
	}
	return exists
}
