//go:build unix && !linux

package manager

import "errors"

// The matrix of places is of Linux.

func prepareTests() error { return nil }

func findSetting([]string) error { return errors.New("not on this system") }
