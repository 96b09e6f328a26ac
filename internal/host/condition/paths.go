package condition

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

func pathExists(param string, _ *Env) (bool, error) { return exists(param), nil }

func pathExistsGlob(param string, _ *Env) (bool, error) { return globExists(param), nil }

func pathIsDirectory(param string, _ *Env) (bool, error) {
	info, err := os.Stat(param)
	return err == nil && info.IsDir(), nil
}

func pathIsSymbolicLink(param string, _ *Env) (bool, error) {
	info, err := os.Lstat(param)
	return err == nil && info.Mode()&os.ModeSymlink != 0, nil
}

func pathIsMountPoint(param string, _ *Env) (bool, error) {
	path, err := filepath.EvalSymlinks(param)
	if err != nil {
		return false, nil
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return false, err
	}
	mounts, err := proc.Mounts()
	if err != nil {
		return false, err
	}
	return path == "/" || slices.ContainsFunc(mounts, func(m proc.Mount) bool {
		return m.Point == path
	}), nil
}

// pathIsReadWrite is about the file system: permissions do not count.
func pathIsReadWrite(param string, _ *Env) (bool, error) {
	readOnly, err := sys.ReadOnly(param)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, sys.ENOTDIR) {
		return false, nil
	}
	return !readOnly, err
}

// pathIsEncrypted knows no encryption: what device a file system is on, through
// dm-crypt perhaps, is not looked into.
func pathIsEncrypted(string, *Env) (bool, error) { return false, nil }

// leftovers are the endings of files that package managers and editors leave.
var leftovers = []string{
	"~", ".rpmnew", ".rpmsave", ".rpmorig", ".dpkg-old", ".dpkg-new", ".dpkg-tmp",
	".dpkg-dist", ".dpkg-bak", ".dpkg-backup", ".dpkg-remove", ".ucf-new", ".ucf-old",
	".ucf-dist", ".swp", ".bak", ".old", ".new",
}

// isIgnored reports whether a directory with only this in it counts as empty.
func isIgnored(name string) bool {
	switch {
	case strings.HasPrefix(name, "."):
		return true
	case name == "lost+found" || name == "aquota.user" || name == "aquota.group":
		return true
	}
	return slices.ContainsFunc(leftovers, func(end string) bool {
		return strings.HasSuffix(name, end)
	})
}

func directoryNotEmpty(param string, _ *Env) (bool, error) {
	d, err := os.Open(param)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, nil // it is there, and may have something in it
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(100)
		if !slices.ContainsFunc(names, func(n string) bool { return !isIgnored(n) }) && err == nil {
			continue
		}
		return len(names) > 0, nil
	}
}

func fileNotEmpty(param string, _ *Env) (bool, error) {
	info, err := os.Stat(param)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0, nil
}

func fileIsExecutable(param string, _ *Env) (bool, error) {
	info, err := os.Stat(param)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0, nil
}

// needsUpdate compares the time of /usr with that noted in /etc/.updated or
// /var/.updated.
func needsUpdate(param string, _ *Env) (bool, error) {
	if asked, ok := switchOf("systemd.condition-needs-update"); ok {
		return asked, nil
	}
	if !filepath.IsAbs(param) {
		return true, nil
	}
	if readOnly, err := sys.ReadOnly(param); err == nil && readOnly {
		return false, nil
	}
	if exists("/etc/initrd-release") {
		return false, nil
	}
	noted := filepath.Join(param, ".updated")
	info, err := os.Lstat(noted)
	if err != nil {
		return true, nil
	}
	usr, err := os.Lstat("/usr/")
	if err != nil {
		return true, nil
	}
	at := info.ModTime()
	// The file system may keep whole seconds only; the file tells it in full.
	if text, err := os.ReadFile(noted); err == nil {
		for line := range strings.Lines(string(text)) {
			if ns, ok := strings.CutPrefix(strings.TrimSpace(line), "TIMESTAMP_NSEC="); ok {
				if n, err := value.ParseUint(ns, 64); err == nil {
					at = time.Unix(0, int64(n))
				}
			}
		}
	}
	return usr.ModTime().After(at), nil
}

// switchOf reads a boolean from the kernel's command line: name, or name=value.
func switchOf(name string) (on, ok bool) {
	line, err := proc.CommandLine()
	if err != nil {
		return false, false
	}
	words, _ := value.Words(line, value.Unquote|value.Relax)
	for _, w := range words {
		k, v, has := strings.Cut(w, "=")
		if k != name {
			continue
		}
		if b, err := value.ParseBool(v); err == nil || !has {
			on, ok = b || !has, true
		}
	}
	return on, ok
}

func firstBoot(param string, m *Env) (bool, error) {
	want, err := value.ParseBool(param)
	if err != nil {
		return false, errSyntax
	}
	if asked, ok := switchOf("systemd.condition-first-boot"); ok {
		return asked == want, nil
	}
	return (m.FirstBoot || exists("/run/systemd/first-boot")) == want, nil
}

func credential(param string, m *Env) (bool, error) {
	if param == "" || param == "." || param == ".." || strings.ContainsAny(param, "/\x00") {
		return false, nil
	}
	for _, dir := range m.Credentials {
		if exists(filepath.Join(dir, param)) {
			return true, nil
		}
	}
	return false, nil
}
