//go:build !linux

package sys

import "os"

// OpenTerminal says that pseudo terminals are not made here.
func OpenTerminal() (*os.File, string, error) { return nil, "", Unsupported("ptmx") }

// SetTerminalSize says the same.
func SetTerminalSize(*os.File, int, int) error { return Unsupported("ptmx") }

// HangUpTerminal is not to be had here.
func HangUpTerminal(string) error { return Unsupported("hang up a terminal") }

// ResetTerminal is not to be had here.
func ResetTerminal(string) error { return Unsupported("reset a terminal") }

// ClearTerminal is not to be had here.
func ClearTerminal(string, int) error { return Unsupported("clear a terminal") }

// SizeTerminal is not to be had here.
func SizeTerminal(string, int, int) error { return Unsupported("set the size of a terminal") }
