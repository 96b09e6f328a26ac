//go:build !linux

package mounts

import "rouse/internal/host/sys"

func readTable() (string, error) { return "", sys.Unsupported("read the mount table") }

// A Watcher tells of changes of the mount table.
type Watcher struct{}

// Watch is not there yet: these systems have no table that can be waited for.
func Watch(func()) (*Watcher, error) { return nil, sys.Unsupported("watch the mount table") }

// Close does nothing.
func (*Watcher) Close() {}
