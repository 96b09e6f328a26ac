// Package pam knows where the program is that calls PAM for services, and whether it would
// find the library there. What it says to the library is its own matter (cmd/rouse-pam). It
// answers for PAMName= of systemd.exec(5), where that cannot be had.
package pam

import (
	"os"
	"path/filepath"
	"runtime"
)

// Program is what calls PAM. The zero Program is none.
type Program struct {
	Path string // "" is none
	Why  string // there is none
}

const (
	program = "rouse-pam"
	library = "libpam.so.0"
)

// places are where the program may be, besides where the manager's own is.
var places = []string{"/usr/lib/rouse", "/usr/libexec/rouse"}

// libraries are patterns of where libraries are: dlopen(3) looks into configuration files
// as well, which name these on the systems that have others.
var libraries = []string{
	"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/lib/*-linux-*",
	"/usr/lib/*-linux-*",
}

// Find looks for the program, beside the one that is at self first.
func Find(self string) Program { return find("", self) }

// find does so below a root directory.
func find(root, self string) Program {
	if runtime.GOOS != "linux" {
		return Program{Why: "PAM is called on Linux alone"}
	}
	found := Program{Why: "there is no " + program + " beside roused"}
	for _, dir := range append([]string{filepath.Dir(self)}, places...) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(root + path); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			found = Program{Path: path}
			break
		}
	}
	if found.Path == "" {
		return found
	}
	for _, pattern := range libraries {
		if list, _ := filepath.Glob(root + pattern + "/" + library); len(list) > 0 {
			return found
		}
	}
	return Program{Why: "there is no " + library}
}
