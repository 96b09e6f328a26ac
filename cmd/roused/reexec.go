package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"rouse/internal/face/dbus"
	"rouse/internal/face/rpc"
	"rouse/internal/face/varlink"
	"rouse/internal/host/boot"
	"rouse/internal/host/sys"
	"rouse/internal/manager"
)

// deserialize is the option by which a program knows that it is to go on where another
// has left; systemd's is called so, too.
const deserialize = "--deserialize="

// handover is all that one program leaves to the next. It is in a file without a name,
// whose descriptor the next one is told.
//
// The file has three lines of JSON: this, the manager's state, and the engine's, which is
// by far the longest and is read but once.
type handover struct {
	RPC     *rpc.Saved
	DBus    *dbus.Saved
	Users   *varlink.Saved
	Signals []boot.Request // that nobody has dealt with
	// Filtered is what the process's filter of system calls says already: it stays.
	Filtered []string
	// RuntimeDir is options.runtimeDir.
	RuntimeDir string

	state *manager.State
}

// fds lists the descriptors that the next program needs.
func (h *handover) fds() []int {
	fds := h.state.FDs
	if h.RPC != nil {
		fds = append(fds[:len(fds):len(fds)], h.RPC.FDs()...)
	}
	if h.DBus != nil {
		fds = append(fds[:len(fds):len(fds)], h.DBus.FDs()...)
	}
	if h.Users != nil {
		fds = append(fds[:len(fds):len(fds)], h.Users.FDs()...)
	}
	return fds
}

// takeOver reads what the program before has left, if there was one. What cannot be read
// is told, and then there is nothing.
func takeOver(fd int) *handover {
	if fd < 0 {
		return nil
	}
	f := os.NewFile(uintptr(fd), "state")
	if f == nil {
		return nil
	}
	defer f.Close()
	h, err := readHandover(f)
	if err != nil {
		say(fmt.Sprintf("read what the program before has left: %v; beginning anew", err))
		return nil
	}
	for _, fd := range h.fds() {
		_ = sys.SetCloseOnExec(fd)
	}
	return h
}

func readHandover(f *os.File) (*handover, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	own, rest, _ := bytes.Cut(data, []byte{'\n'})
	state, engine, _ := bytes.Cut(rest, []byte{'\n'})
	h := &handover{}
	if err := json.Unmarshal(own, h); err != nil {
		return nil, err
	}
	h.state, err = manager.ParseState(state, engine)
	return h, err
}

// write writes what readHandover reads.
func (h *handover) write(f *os.File) error {
	w := json.NewEncoder(f) // ends each with a newline
	if err := w.Encode(h); err != nil {
		return err
	}
	if err := w.Encode(h.state); err != nil {
		return err
	}
	if _, err := f.Write(h.state.Engine); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// execute executes the program again, which may be another one by now. It returns only
// if that cannot be done.
func (h *handover) execute(signals *boot.Signals) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	f, err := sys.Scratch("roused-state")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := h.write(f); err != nil {
		return err
	}
	fd, err := sys.Detach(f)
	if err != nil {
		return err
	}
	defer sys.CloseFD(fd)
	keep := append(h.fds(), fd)
	for _, fd := range keep {
		if err := sys.KeepOverExec(fd); err != nil {
			return err
		}
	}
	args := append(withoutState(os.Args), deserialize+strconv.Itoa(fd))
	err = sys.ExecBlocked(path, args, os.Environ(), signals.Numbers())
	for _, fd := range keep {
		_ = sys.SetCloseOnExec(fd)
	}
	return err
}

// withoutState leaves out what a former program has added to the arguments.
func withoutState(args []string) []string {
	var list []string
	for _, a := range args {
		if !strings.HasPrefix(a, deserialize) {
			list = append(list, a)
		}
	}
	return list
}
