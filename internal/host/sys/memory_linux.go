package sys

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TrimImage takes the program's own code and constants out of its memory. They are
// read again from the file, or rather from the kernel's cache of it, where they are
// needed: a boot uses much that is not used afterwards. madvise(2), MADV_DONTNEED.
func TrimImage() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	type place struct{ start, size uintptr }
	var places []place // all of them first: what finds them is to be taken out, too
	for line := range bytes.Lines(maps) {
		f := bytes.Fields(line)
		// Nothing that can be written, for that would be lost.
		if len(f) != 6 || string(f[5]) != exe || f[1][0] != 'r' || f[1][1] != '-' {
			continue
		}
		from, to, _ := bytes.Cut(f[0], []byte("-"))
		start, err1 := strconv.ParseUint(string(from), 16, 64)
		end, err2 := strconv.ParseUint(string(to), 16, 64)
		if err1 == nil && err2 == nil {
			places = append(places, place{uintptr(start), uintptr(end - start)})
		}
	}
	for _, p := range places {
		drop(p.start, p.size)
	}
}

func drop(start, size uintptr) {
	at := *(*unsafe.Pointer)(unsafe.Pointer(&start))
	_ = unix.Madvise(unsafe.Slice((*byte)(at), size), unix.MADV_DONTNEED)
}

// DataFile gives a file in memory to be read by others, who cannot change it.
// memfd_create(2).
func DataFile(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err = f.Write(data); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS,
			unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE|unix.F_SEAL_SEAL)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
