package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
)

// A PIDFile is what a PID file says, and who says it.
type PIDFile struct {
	PID int
	// Trusted: the file is root's, and nobody but root has led there.
	Trusted bool
}

// ReadPIDFile reads the number in a PID file. systemd.service(5), PIDFile=.
func ReadPIDFile(path string) (p PIDFile, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer f.Close()
	buf := make([]byte, 64)
	n, err := f.Read(buf)
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	text, _, _ := strings.Cut(string(buf[:n]), "\n")
	p.PID, err = strconv.Atoi(strings.TrimSpace(text))
	if err != nil || p.PID <= 1 {
		return p, fmt.Errorf("%s: %q is no process number", path, text)
	}
	info, err := f.Stat()
	if err != nil {
		return p, err
	}
	if uid, _ := sys.Owner(info); uid == 0 {
		found, safe := chase(path)
		p.Trusted = safe && os.SameFile(found, info)
	}
	return p, nil
}

// mostLinks is how many symlinks a path may lead over, as for the kernel.
const mostLinks = 40

// chase follows a path. It is safe if nobody but root, or the owner of what it leads to,
// has had a say in where it goes: not if a user's directory or symlink leads to what is
// another's.
func chase(path string) (info fs.FileInfo, safe bool) {
	at, rest, links := "/", strings.Split(path, "/"), 0
	info, err := os.Lstat(at)
	if err != nil || !filepath.IsAbs(path) {
		return nil, false
	}
	step := func(to string) error {
		next, err := os.Lstat(to)
		if err != nil {
			return err
		}
		from, _ := sys.Owner(info)
		if uid, _ := sys.Owner(next); from != 0 && from != uid {
			return errors.New("leads from one user to another")
		}
		info = next
		return nil
	}
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		to := filepath.Join(at, name)
		if step(to) != nil {
			return nil, false
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = to
			continue
		}
		target, err := os.Readlink(to)
		if links++; err != nil || links > mostLinks {
			return nil, false
		}
		if filepath.IsAbs(target) {
			if at = "/"; step(at) != nil {
				return nil, false
			}
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return info, true
}
