package load

import (
	"path"
	"strings"
)

// realDir gives the path of a directory with all symlinks resolved, as far as
// it exists. It remembers the answer.
func (t *tree) realDir(dir string) string {
	real, ok := t.links[dir]
	if !ok {
		real = t.resolve(dir)
		t.links[dir] = real
	}
	return real
}

// real gives the path of a file with all symlinks resolved, as far as it exists.
func (t *tree) real(p string) string {
	dir, base := path.Split(p)
	return t.resolve(path.Join(t.realDir(dir), base))
}

// maxLinks is how many symlinks are followed in one path.
const maxLinks = 40

// resolve follows the symlinks in a path, part by part. Where they run in a
// circle it gives the path as it is.
func (t *tree) resolve(p string) string {
	done := "/"
	rest := p
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
		target, err := t.fs.ReadLink(inFS(next))
		if err != nil {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return path.Clean(p)
		}
		if strings.HasPrefix(target, "/") {
			done = "/"
		}
		rest = target + "/" + rest
	}
	return done
}

// realFile gives the path of the file itself, without a call where the listing
// showed that it is no symlink.
func (t *tree) realFile(f *file) string {
	if f.linked {
		return t.real(f.path)
	}
	return t.reals[f.dir] + "/" + f.name
}
