package control

import (
	"errors"
	"fmt"
	"sync"

	"rouse/internal/host/cgroup"
	"rouse/internal/host/sys/bpf"
	"rouse/internal/unit"
	"rouse/internal/unit/value/linux"
)

// A surrounding is what a program that is asked there has to know of the kernel.
type surrounding struct {
	function uint32
	manager  uint32 // number of the process
	// Where members are.
	inode, superblock, magic, flags int16 // from a file on
	memory, parent, process         int16 // of a task
}

// OpeningFunction gives the kernel's number of the function that programs of
// RestrictFileSystems= are asked at, or why nobody can be sure that they are.
func OpeningFunction() (uint32, error) {
	if _, err := bpf.IsAsked(); err != nil {
		return 0, fmt.Errorf("the kernel does not tell its security modules: %w", err)
	}
	s, err := around()
	return s.function, err
}

// around finds out about the kernel once.
var around = sync.OnceValues(func() (s surrounding, err error) {
	if is, err := bpf.IsAsked(); err == nil && !is {
		return s, errors.New("the security module bpf is not at work here")
	}
	function, at, err := bpf.Find(bpf.FileOpen,
		bpf.Member{Structure: "file", Name: "f_inode"},
		bpf.Member{Structure: "inode", Name: "i_sb"},
		bpf.Member{Structure: "super_block", Name: "s_magic"},
		bpf.Member{Structure: "file", Name: "f_flags"},
		bpf.Member{Structure: "task_struct", Name: "mm"},
		bpf.Member{Structure: "task_struct", Name: "real_parent"},
		bpf.Member{Structure: "task_struct", Name: "tgid"},
	)
	if err != nil {
		return s, err
	}
	s.function = function
	for i, p := range []*int16{
		&s.inode, &s.superblock, &s.magic, &s.flags, &s.memory, &s.parent, &s.process,
	} {
		if *p = int16(at[i]); int(*p) != at[i] {
			return s, errors.New("the kernel's structures are too large")
		}
	}
	s.manager, err = bpf.ProcessID()
	return s, err
})

// fileSystems adds the program that says on which file systems files can be opened.
func (b *builder) fileSystems() {
	if b.Unit.Exec == nil || !b.Unit.Exec.RestrictFileSystems.Any() {
		return
	}
	if b.Alone { // what it opens itself before it executes the program would be forbidden
		b.Log("RestrictFileSystems= is for a service manager to do")
		return
	}
	s, err := around()
	if err != nil {
		b.Log("RestrictFileSystems= is left out: %v", err)
		return
	}
	b.c.Programs = append(b.c.Programs, cgroup.Program{
		Name: "RestrictFileSystems", Type: bpf.Security, Place: bpf.Hook, Function: s.function,
		Code: s.program(b.Unit.Exec.RestrictFileSystems),
	})
}

// program lets files be opened on some file systems alone, or on all but some. The
// context is the file. What is between the fork and the execution of a program is the
// manager's: there the process has the memory of the manager, its parent. To execute a
// file is the service's, though. r6 is the file.
func (s *surrounding) program(r unit.Restriction) []uint64 {
	const toExecute = 0x20 // FMODE_EXEC
	var a assembler
	a.op(opLoadLong, 6, 1, 0, 0)
	a.op(opLoadLong, 7, 6, s.inode, 0)
	a.op(opLoadLong, 7, 7, s.superblock, 0)
	a.op(opLoadLong, 7, 7, s.magic, 0)
	var listed []int
	for _, name := range r.Names {
		for _, magic := range linux.FileSystem(name) {
			listed = append(listed, a.jump(opIfIs32, 7, 0, int32(magic)))
		}
	}
	if r.Allow {
		other := a.jump(opJump, 0, 0, 0)
		if len(listed) > 0 { // the kernel takes nothing that cannot be reached
			a.land(listed...)
			a.answer(1)
		}
		a.land(other)
	} else {
		a.answer(1)
		a.land(listed...)
	}
	a.op(opLoad, 1, 6, s.flags, 0)
	a.op(opAnd32, 1, 0, 0, toExecute)
	denied := []int{a.jump(opIfNot, 1, 0, 0)}
	a.op(opCall, 0, 0, 0, callTask)
	a.op(opLoadLong, 1, 0, s.memory, 0)
	a.op(opLoadLong, 2, 0, s.parent, 0)
	a.op(opLoadLong, 3, 2, s.memory, 0)
	denied = append(denied, a.jump(opIfNotSame, 1, 3, 0))
	a.op(opLoad, 3, 2, s.process, 0)
	denied = append(denied, a.jump(opIfNot32, 3, 0, int32(s.manager)))
	a.answer(1)
	a.land(denied...)
	a.answer(0)
	return a.code
}
