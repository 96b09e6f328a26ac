// Package socket opens what socket units listen on, waits for traffic there,
// and accepts connections. It knows addresses and options, and nothing of the
// services behind. It answers for systemd.socket(5).
package socket

import (
	"errors"
	"fmt"
	"os"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// Config is what opening depends on besides the unit.
type Config struct {
	// Lookup gives the ids of SocketUser= and SocketGroup= (names or numbers), -1
	// for one that is "". It is called only if one of them is set.
	Lookup func(user, group string) (uid, gid int, err error)
	// Descriptors and Strings are the files of USBFunctionDescriptors= and
	// USBFunctionStrings= of the unit's service, for ListenUSBFunction=.
	Descriptors, Strings string
	// Log takes a line about each option that could not be set. Nil is nowhere.
	Log func(line string)
}

// A Set is the open descriptors of one socket unit. It has one owner.
type Set struct {
	// FDs are in the order of the unit's Listen lines. They do not block, and are
	// close-on-exec.
	FDs []int
	// Watched are those of them to be watched for traffic.
	Watched []int
	unit    *unit.Socket
	paths   []string // made by Open
}

// Open opens everything the unit listens on, or nothing.
func Open(s *unit.Socket, c Config) (*Set, error) {
	if c.Log == nil {
		c.Log = func(string) {}
	}
	o := &opener{unit: s, config: c, log: c.Log, uid: -1, gid: -1}
	if s.SocketUser != "" || s.SocketGroup != "" {
		if c.Lookup == nil {
			return nil, errors.New("SocketUser= and SocketGroup=: nobody to look them up")
		}
		var err error
		o.uid, o.gid, err = c.Lookup(s.SocketUser, s.SocketGroup)
		if err != nil {
			return nil, err
		}
	}
	set := &Set{unit: s}
	for _, l := range s.Listen {
		fd, err := o.open(l)
		if err != nil {
			set.Close()
			return nil, fmt.Errorf("listen on %v %s: %w", l.Kind, l.Address, err)
		}
		set.FDs, set.Watched = append(set.FDs, fd), append(set.Watched, fd)
		if l.Kind == unit.ListenUSBFunction {
			ends, err := o.endpoints(l.Address)
			set.FDs = append(set.FDs, ends...)
			if err != nil {
				set.Close()
				return nil, fmt.Errorf("listen on %v %s: %w", l.Kind, l.Address, err)
			}
		}
		if path, ok := pathOf(l); ok {
			set.paths = append(set.paths, path)
		}
	}
	o.symlinks(set.paths)
	return set, nil
}

// Adopt makes a Set of descriptors that were opened before a re-exec.
func Adopt(s *unit.Socket, fds, watched []int) *Set {
	set := &Set{unit: s, FDs: fds, Watched: watched}
	for _, l := range s.Listen {
		if path, ok := pathOf(l); ok {
			set.paths = append(set.paths, path)
		}
	}
	return set
}

// Close closes the descriptors; it removes sockets, FIFOs and symlinks from the
// file system too if RemoveOnStop= says so.
func (s *Set) Close() error {
	var errs []error
	for _, fd := range s.FDs {
		if err := sys.CloseFD(fd); err != nil {
			errs = append(errs, os.NewSyscallError("close", err))
		}
	}
	s.FDs, s.Watched = nil, nil
	if !s.unit.RemoveOnStop {
		return errors.Join(errs...)
	}
	for _, path := range append(s.paths, s.unit.Symlinks...) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, l := range s.unit.Listen {
		if l.Kind == unit.ListenMessageQueue {
			if err := sys.RemoveQueue(l.Address); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// pathOf gives the path that listening makes, if it makes one.
func pathOf(l unit.Listen) (path string, ok bool) {
	switch l.Kind {
	case unit.ListenStream, unit.ListenDatagram, unit.ListenSequentialPacket, unit.ListenFIFO:
		return l.Address, l.Address != "" && l.Address[0] == '/'
	case unit.ListenSpecial, unit.ListenNetlink, unit.ListenMessageQueue,
		unit.ListenUSBFunction, unit.ListenKinds:
	}
	return "", false
}

// Connections reports whether the kind is one that accepts: streams and
// sequential packets.
func Connections(k unit.ListenKind) bool {
	return k == unit.ListenStream || k == unit.ListenSequentialPacket
}
