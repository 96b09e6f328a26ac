package install

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// view is a file system as it will be once the changes planned so far are made. Paths
// are absolute. Symlinks are followed within the file system, as a root directory
// that is not that of this process wants it.
type view struct {
	fs fs.ReadLinkFS
	// links are symlinks that will be there, gone is what will not, with all below it.
	links map[string]string
	gone  map[string]bool
	dirs  map[string]string // real paths of directories, as far as they are known
}

func newView(fsys fs.ReadLinkFS) *view {
	return &view{fs: fsys, links: map[string]string{}, gone: map[string]bool{}}
}

// maxLinks is how many symlinks are followed in one path.
const maxLinks = 40

// resolve gives a path with all symlinks in it followed, in the last part only if last is
// set. What does not exist stays as it is; ok is false where symlinks go in a circle.
func (v *view) resolve(p string, last bool) (real string, ok bool) {
	done, rest := "/", p
	for links := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		if !last && strings.Trim(rest, "/") == "" {
			done = next
			continue
		}
		target, err := v.linkAt(next)
		if err != nil {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return path.Clean(p), false
		}
		if strings.HasPrefix(target, "/") {
			done = "/"
		}
		rest = target + "/" + rest
	}
	return done, true
}

// real is resolve for all parts but the last.
func (v *view) real(p string) string {
	dir, base := path.Split(path.Clean(p))
	real, ok := v.dirs[dir]
	if !ok {
		real, _ = v.resolve(dir, true)
		if v.dirs == nil {
			v.dirs = map[string]string{}
		}
		v.dirs[dir] = real
	}
	return path.Join(real, base)
}

// linkAt reads a symlink whose directory has none in its path.
func (v *view) linkAt(real string) (string, error) {
	if target, ok := v.links[real]; ok {
		return target, nil
	}
	if v.isGone(real) {
		return "", fs.ErrNotExist
	}
	return v.fs.ReadLink(inFS(real))
}

// isGone reports whether a path will be removed, or is below one that will be.
func (v *view) isGone(real string) bool {
	for len(v.gone) > 0 && real != "/" {
		if v.gone[real] {
			return true
		}
		real = path.Dir(real)
	}
	return false
}

// readLink says where the symlink at p leads.
func (v *view) readLink(p string) (string, error) { return v.linkAt(v.real(p)) }

// lstat tells the type of what is at p, and whether it is an empty file.
func (v *view) lstat(p string) (kind fs.FileMode, empty bool, err error) {
	real := v.real(p)
	if _, ok := v.links[real]; ok {
		return fs.ModeSymlink, false, nil
	}
	if v.isGone(real) {
		return 0, false, fs.ErrNotExist
	}
	info, err := v.fs.Lstat(inFS(real))
	if err != nil {
		return 0, false, err
	}
	return info.Mode().Type(), info.Size() == 0, nil
}

// isNull reports whether p leads to nothing that could be read: /dev/null, or an empty
// file.
func (v *view) isNull(p string) (bool, error) {
	real, ok := v.resolve(p, true)
	if !ok {
		return false, errIsLink
	}
	if real == "/dev/null" {
		return true, nil
	}
	kind, empty, err := v.lstat(real)
	return err == nil && (kind.IsRegular() && empty || kind&fs.ModeCharDevice != 0), err
}

// readFile reads the file that p leads to.
func (v *view) readFile(p string) ([]byte, error) {
	real, ok := v.resolve(p, true)
	if !ok {
		return nil, errIsLink
	}
	text, err := fs.ReadFile(v.fs, inFS(real))
	if err != nil {
		return nil, err
	}
	return text, nil
}

// entry is one name in a directory.
type entry struct {
	name string
	kind fs.FileMode // type bits
}

// readDir lists a directory, by name.
func (v *view) readDir(p string) ([]entry, error) {
	real, _ := v.resolve(p, true)
	var list []entry
	var err error
	if !v.isGone(real) {
		var entries []fs.DirEntry
		entries, err = fs.ReadDir(v.fs, inFS(real))
		for _, e := range entries {
			at := path.Join(real, e.Name())
			if _, over := v.links[at]; !over && !v.isGone(at) {
				list = append(list, entry{e.Name(), e.Type()})
			}
		}
	}
	seen := map[string]bool{}
	for at := range v.links {
		rest, below := strings.CutPrefix(at, strings.TrimSuffix(real, "/")+"/")
		first, deeper, isDir := strings.Cut(rest, "/")
		switch {
		case !below || seen[first]:
		case !isDir:
			list = append(list, entry{first, fs.ModeSymlink})
			seen[first] = true
		case deeper != "" && !slices.ContainsFunc(list, func(e entry) bool { return e.name == first }):
			list = append(list, entry{first, fs.ModeDir})
			seen[first] = true
		}
	}
	if err != nil && len(list) == 0 {
		return nil, err
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// link notes a symlink that will be there.
func (v *view) link(p, target string) {
	v.links[v.real(p)] = target
	v.dirs = nil
}

// remove notes that p will be gone.
func (v *view) remove(p string) {
	real := v.real(p)
	delete(v.links, real)
	v.gone[real] = true
	v.dirs = nil
}
