//go:build !linux

package sys

import "os"

// OpenTerminal says that pseudo terminals are not made here.
func OpenTerminal() (*os.File, string, error) { return nil, "", Unsupported("ptmx") }

// SetTerminalSize says the same.
func SetTerminalSize(*os.File, int, int) error { return Unsupported("ptmx") }
