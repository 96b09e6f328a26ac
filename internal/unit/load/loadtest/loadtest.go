// Package loadtest builds file systems out of text, for tests that load units.
// It knows nothing of units.
package loadtest

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Tree is a file system in memory: files, directories and symlinks by their
// absolute path. Symlinks are not followed but by who asks where they lead; as
// a part of a path they are, so that /lib may lead to usr/lib.
type Tree struct {
	nodes   map[string]*node
	changes int64 // how often a directory was changed
}

type node struct {
	name   string
	kind   fs.FileMode // type bits; 0 is a regular file
	text   string      // of a file; where a symlink leads
	denied bool        // reading it fails
	within []fs.DirEntry
	sorted bool
	change int64 // of a directory, when it was last changed
}

// New makes a tree with nothing but /dev/null.
func New() *Tree {
	t := &Tree{nodes: map[string]*node{".": {name: ".", kind: fs.ModeDir}}}
	t.Special("/dev/null", fs.ModeDevice|fs.ModeCharDevice)
	return t
}

// File adds a regular file with its directories.
func (t *Tree) File(p, text string) { t.put(p, &node{text: text}) }

// Link adds a symlink with its directories.
func (t *Tree) Link(p, target string) { t.put(p, &node{kind: fs.ModeSymlink, text: target}) }

// Dir adds a directory.
func (t *Tree) Dir(p string) { t.put(p, &node{kind: fs.ModeDir}) }

// Special adds something that is neither file, directory nor symlink.
func (t *Tree) Special(p string, kind fs.FileMode) { t.put(p, &node{kind: kind}) }

// Denied adds a file that cannot be read.
func (t *Tree) Denied(p string) { t.put(p, &node{denied: true}) }

// Remove takes a file out.
func (t *Tree) Remove(p string) {
	p = key(p)
	up, base := t.nodes[path.Dir(p)], path.Base(p)
	if t.nodes[p] == nil || up == nil || p == "." {
		return
	}
	delete(t.nodes, p)
	t.changes++
	up.change = t.changes
	up.within = slices.DeleteFunc(up.within, func(e fs.DirEntry) bool { return e.Name() == base })
}

func key(p string) string {
	p = strings.Trim(path.Clean("/"+p), "/")
	if p == "" {
		return "."
	}
	return p
}

// put adds a node in place of one of that name. What cannot be, such as a file
// in place of a directory, is left out.
func (t *Tree) put(p string, n *node) {
	p = key(p)
	n.name = path.Base(p)
	if old := t.nodes[p]; old != nil {
		if old.kind == fs.ModeDir || n.kind == fs.ModeDir {
			return
		}
		t.Remove(p)
	}
	dir := path.Dir(p)
	if t.nodes[dir] == nil {
		t.Dir(dir)
	}
	up := t.nodes[dir]
	if up == nil || up.kind != fs.ModeDir {
		return
	}
	t.nodes[p] = n
	t.changes++
	n.change, up.change = t.changes, t.changes
	up.within = append(up.within, n)
	up.sorted = false
}

// get finds the node of a path, following symlinks in all parts but the last,
// and in the last if follow is set.
func (t *Tree) get(op, p string, follow bool) (*node, error) {
	fail := func(err error) (*node, error) { return nil, &fs.PathError{Op: op, Path: p, Err: err} }
	if !fs.ValidPath(p) {
		return fail(fs.ErrInvalid)
	}
	if n := t.nodes[p]; n != nil && (n.kind != fs.ModeSymlink || !follow) {
		return n, nil
	}
	at, rest := ".", p
	for links := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if part == "" || part == "." {
			continue
		}
		at = key(path.Join(at, part))
		n := t.nodes[at]
		switch {
		case n == nil:
			return fail(fs.ErrNotExist)
		case n.kind == fs.ModeSymlink && (rest != "" || follow):
			if links++; links > 40 {
				return fail(fs.ErrInvalid)
			}
			if strings.HasPrefix(n.text, "/") {
				at = "."
			} else {
				at = path.Dir(at)
			}
			rest = n.text + "/" + rest
		case rest == "":
			return n, nil
		}
	}
	return t.nodes[at], nil
}

// Open opens a file or directory.
func (t *Tree) Open(p string) (fs.File, error) {
	n, err := t.get("open", p, true)
	if err == nil && n.denied {
		err = &fs.PathError{Op: "open", Path: p, Err: fs.ErrPermission}
	}
	if err != nil {
		return nil, err
	}
	return &open{node: n, Reader: strings.NewReader(n.text)}, nil
}

// ReadFile reads a file.
func (t *Tree) ReadFile(p string) ([]byte, error) {
	f, err := t.Open(p)
	if err != nil {
		return nil, err
	}
	if f.(*open).node.kind == fs.ModeDir {
		return nil, &fs.PathError{Op: "read", Path: p, Err: fs.ErrInvalid}
	}
	return []byte(f.(*open).node.text), nil
}

// ReadDir lists a directory.
func (t *Tree) ReadDir(p string) ([]fs.DirEntry, error) {
	n, err := t.get("readdir", p, true)
	if err != nil {
		return nil, err
	}
	if n.kind != fs.ModeDir {
		return nil, &fs.PathError{Op: "readdir", Path: p, Err: fs.ErrInvalid}
	}
	if !n.sorted {
		slices.SortFunc(n.within, func(a, b fs.DirEntry) int {
			return strings.Compare(a.Name(), b.Name())
		})
		n.sorted = true
	}
	return slices.Clone(n.within), nil
}

// ReadLink says where a symlink leads.
func (t *Tree) ReadLink(p string) (string, error) {
	n, err := t.get("readlink", p, false)
	if err == nil && n.kind != fs.ModeSymlink {
		err = &fs.PathError{Op: "readlink", Path: p, Err: fs.ErrInvalid}
	}
	if err != nil {
		return "", err
	}
	return n.text, nil
}

// Stat describes what a path leads to.
func (t *Tree) Stat(p string) (fs.FileInfo, error) {
	n, err := t.get("stat", p, true)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Lstat describes the last part of a path itself.
func (t *Tree) Lstat(p string) (fs.FileInfo, error) {
	n, err := t.get("lstat", p, false)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// A node describes itself.
func (n *node) Name() string               { return n.name }
func (n *node) Size() int64                { return int64(len(n.text)) }
func (n *node) Mode() fs.FileMode          { return n.kind | 0o644 }
func (n *node) Type() fs.FileMode          { return n.kind }
func (n *node) ModTime() time.Time         { return time.Unix(n.change, 0) }
func (n *node) IsDir() bool                { return n.kind == fs.ModeDir }
func (n *node) Sys() any                   { return nil }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }

// open is a node that was opened.
type open struct {
	node *node
	*strings.Reader
}

func (o *open) Stat() (fs.FileInfo, error) { return o.node, nil }
func (o *open) Close() error               { return nil }
func (o *open) Read(b []byte) (int, error) {
	if o.node.kind == fs.ModeDir {
		return 0, io.ErrUnexpectedEOF
	}
	return o.Reader.Read(b)
}
