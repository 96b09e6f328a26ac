//go:build unix && !linux

package sys

import (
	"os"
	"os/signal"
	"syscall"
)

// Scratch makes a file without a name, in the directory for temporary files.
func Scratch(name string) (*os.File, error) {
	f, err := os.CreateTemp("", name)
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// block has signals ignored, which a program inherits: there is no door to
// sigprocmask(2) here. What is sent meanwhile is lost, but ends nothing.
func block(signals []syscall.Signal) (unblock func()) {
	for _, s := range signals {
		signal.Ignore(s)
	}
	return func() {} // whoever takes them asks for them again
}
