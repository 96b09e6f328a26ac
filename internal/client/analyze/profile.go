package analyze

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rouse/internal/client/tool"
)

// profileDirs are where the profiles of portable services are, the most important first.
var profileDirs = [...]string{
	"etc/systemd/portable/profile", "run/systemd/portable/profile",
	"usr/local/lib/systemd/portable/profile", "usr/lib/systemd/portable/profile",
}

// profile reads the drop-in that --profile= means: a path, or a name.
func (a *session) profile(which string) ([]byte, error) {
	host := a.Root("/")
	if strings.HasPrefix(which, "/") {
		text, err := fs.ReadFile(host, strings.TrimPrefix(filepath.Clean(which), "/"))
		if err != nil {
			return nil, tool.Complain("Failed to copy: %v", err)
		}
		return text, nil
	}
	for _, dir := range profileDirs {
		text, err := fs.ReadFile(host, filepath.Join(dir, which, "service.conf"))
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, tool.Complain("Failed to find portable profile %s: No such file or directory", which)
}

// profiled makes a directory of drop-ins, profile.conf for each unit, and a view of a root
// file system that has it. done removes it.
func (a *session) profiled(root fs.ReadLinkFS, which string, units []string) (
	_ fs.ReadLinkFS, dir string, done func(), err error) {
	text, err := a.profile(which)
	if err != nil {
		return nil, "", nil, err
	}
	dir, err = os.MkdirTemp("", "rouse-analyze-")
	if err != nil {
		return nil, "", nil, err
	}
	for _, u := range units {
		drop := filepath.Join(dir, u+".d")
		if err = os.Mkdir(drop, 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			err = os.WriteFile(filepath.Join(drop, "profile.conf"), text, 0o644)
		}
		if err != nil {
			os.RemoveAll(dir)
			return nil, "", nil, err
		}
	}
	over := overlay{root, a.Root(dir), strings.TrimPrefix(dir, "/")}
	return over, dir, func() { os.RemoveAll(dir) }, nil
}

// overlay shows another file system in a directory of one.
type overlay struct {
	fs.ReadLinkFS
	over fs.ReadLinkFS
	at   string
}

func (o overlay) find(path string) (fs.ReadLinkFS, string) {
	if path == o.at {
		return o.over, "."
	}
	if below, ok := strings.CutPrefix(path, o.at+"/"); ok {
		return o.over, below
	}
	return o.ReadLinkFS, path
}

// Open implements fs.FS.
func (o overlay) Open(path string) (fs.File, error) {
	in, path := o.find(path)
	return in.Open(path)
}

// Lstat implements fs.ReadLinkFS.
func (o overlay) Lstat(path string) (fs.FileInfo, error) {
	in, path := o.find(path)
	return in.Lstat(path)
}

// ReadLink implements fs.ReadLinkFS.
func (o overlay) ReadLink(path string) (string, error) {
	in, path := o.find(path)
	return in.ReadLink(path)
}
