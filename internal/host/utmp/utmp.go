package utmp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// The files, where they usually are.
const (
	usualNow  = "/run/utmp"
	usualEver = "/var/log/wtmp"
)

// A Book is the two files. A file that is not there is not made: then nobody wants its
// records. The zero Book is the system's. Its methods may be called from any goroutine.
type Book struct {
	Now, Ever string // paths; "" is the usual one

	mu sync.Mutex // a lock of the kernel's keeps only other programs off
}

// A Process is one that is on a terminal.
type Process struct {
	PID  int
	ID   string // UtmpIdentifier=
	Line string // the path of the terminal; "" is none
	User string
	Mode unit.UtmpMode
}

// id is the end of a longer one, which tells terminals apart better than its beginning.
func id(s string) string { return s[max(0, len(s)-idSize):] }

// Begun writes down that a process, which leads its session, is going to run: for each kind
// up to its own, one record.
func (b *Book) Begun(p Process, now time.Time) error {
	r := &record{
		kind: initProcess, pid: int32(p.PID), id: id(p.ID), line: strings.TrimPrefix(p.Line, "/dev/"),
		session: int64(p.PID), at: now,
	}
	err := b.write(r, r, patience)
	if p.Mode == unit.UtmpLogin || p.Mode == unit.UtmpUser {
		r.kind = loginProcess
		err = errors.Join(err, b.write(r, r, patience))
	}
	if p.Mode == unit.UtmpUser {
		r.kind, r.user = userProcess, p.User[:min(len(p.User), userSize-1)]
		err = errors.Join(err, b.write(r, r, patience))
	}
	return err
}

// An End is how a process ended: Code as waitid(2) has it, and the exit status or signal.
type End struct {
	PID          int
	ID           string // UtmpIdentifier=
	Code, Status int
}

// Ended writes down the end of a process that Begun was told of. If somebody else has its
// place by now, there is nothing to write. With wait, a file that another program is writing
// is waited for; else the error is sys.EAGAIN.
func (b *Book) Ended(e End, now time.Time, wait bool) error {
	limit := time.Duration(0)
	if wait {
		limit = patience
	}
	old, err := b.find(&record{kind: initProcess, id: id(e.ID)})
	if err != nil || old == nil || int(old.pid) != e.PID {
		return err
	}
	old.kind, old.user, old.host = deadProcess, "", ""
	old.termination, old.exit, old.at = int16(e.Code), int16(e.Status), time.Time{}
	ever := *old
	ever.at = now
	return b.write(old, &ever, limit)
}

// find gives the record in whose place r would go; nil if there is none.
func (b *Book) find(r *record) (*record, error) {
	b.mu.Lock() // closing the file would end a lock
	defer b.mu.Unlock()
	all, err := os.ReadFile(b.now())
	if err != nil {
		return nil, missing(err)
	}
	_, old := place(all, r)
	return old, nil
}

// place says where r goes, among the records in all, and what is there.
func place(all []byte, r *record) (offset int, old *record) {
	size := native.size()
	for ; offset+size <= len(all); offset += size {
		if old := native.decode(all[offset:][:size]); r.replaces(old) {
			return offset, old
		}
	}
	return offset, nil
}

func (b *Book) now() string  { return either(b.Now, usualNow) }
func (b *Book) ever() string { return either(b.Ever, usualEver) }

func either(path, usual string) string {
	if path == "" {
		return usual
	}
	return path
}

// write puts one record in its place in the first file, and one at the end of the second.
func (b *Book) write(now, ever *record, limit time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(
		locked(b.now(), limit, func(f *os.File) error {
			all, err := io.ReadAll(f)
			if err != nil {
				return err
			}
			at, _ := place(all, now)
			_, err = f.WriteAt(native.encode(now), int64(at))
			return err
		}),
		locked(b.ever(), limit, func(f *os.File) error {
			info, err := f.Stat()
			if err != nil {
				return err
			}
			size := int64(native.size()) // what somebody has left unfinished is overwritten
			_, err = f.WriteAt(native.encode(ever), info.Size()/size*size)
			return err
		}),
	)
}

// patience is how long others may write; the C library's is the same.
const patience = 10 * time.Second

// locked opens a file that is there, keeps others from it, and has do write.
func locked(path string, limit time.Duration, do func(f *os.File) error) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return missing(err)
	}
	defer f.Close()
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		err := sys.LockRecords(f)
		if err == nil {
			return do(f)
		}
		if !errors.Is(err, sys.EAGAIN) && !errors.Is(err, sys.EACCES) {
			return fmt.Errorf("lock %s: %w", path, err)
		}
		if !time.Now().Before(end) {
			return fmt.Errorf("lock %s: %w", path, sys.EAGAIN)
		}
	}
}

// missing makes nothing of a file that is not there.
func missing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
