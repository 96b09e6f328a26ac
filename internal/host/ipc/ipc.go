// Package ipc removes what processes have left for others of the same user: System V and
// POSIX shared memory, semaphores and message queues. systemd.exec(5), RemoveIPC=.
package ipc

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

// A Place is where objects are listed.
type Place struct {
	SystemV []List
	Dirs    []string // of POSIX objects, which are files
}

// A List is one of sysvipc(7): a line for each object, below the names of the columns.
type List struct {
	Path, ID string // ID is the column of an object's number
	Remove   func(id int) error
}

// Of removes the objects that belong to the user uid or the group gid; -1 is nobody, and
// what is root's is never removed. Shared memory that somebody has attached is left, as
// are names with a dot in front. What cannot be removed is in the error; the rest goes.
func (p Place) Of(uid, gid int) error {
	w := who{uid, gid}
	if uid <= 0 && gid <= 0 {
		return nil
	}
	var errs []error
	for _, l := range p.SystemV {
		errs = append(errs, l.remove(w))
	}
	for _, dir := range p.Dirs {
		errs = append(errs, posix(dir, w))
	}
	return errors.Join(errs...)
}

type who struct{ uid, gid int }

func (w who) has(uid, gid int) bool {
	return w.uid > 0 && uid == w.uid || w.gid > 0 && gid == w.gid
}

func (l List) remove(w who) error {
	text, err := os.ReadFile(l.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a kernel without them
	}
	if err != nil {
		return err
	}
	var columns []string
	var errs []error
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if columns == nil {
			columns = fields
			continue
		}
		row := map[string]int{}
		for i, name := range columns[:min(len(columns), len(fields))] {
			row[name], _ = strconv.Atoi(fields[i]) // some are larger, and of no interest
		}
		id, ok := row[l.ID]
		if !ok || !w.has(row["uid"], row["gid"]) || row["nattch"] > 0 {
			continue
		}
		err := l.Remove(id)
		if err != nil && !errors.Is(err, sys.EINVAL) && !errors.Is(err, sys.EIDRM) { // gone
			errs = append(errs, fmt.Errorf("remove %s %d: %w", l.ID, id, err))
		}
	}
	return errors.Join(errs...)
}

// posix removes files and empty directories below dir.
func posix(dir string, w who) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			errs = append(errs, posix(path, w))
		}
		info, err := e.Info()
		if err == nil && w.has(sys.Owner(info)) {
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, sys.ENOTEMPTY) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
