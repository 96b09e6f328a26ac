//go:build linux && (386 || amd64 || arm || arm64 || loong64 || ppc64le || riscv64 || s390x)

package main

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"

	"rouse/internal/host/spawn"
)

// What the library's header says. pam(3), security/_pam_types.h.
const (
	success       = 0
	bufferError   = 5
	conversation  = 19 // PAM_CONV_ERR
	itemTerminal  = 3
	establishCred = 0x2
	deleteCred    = 0x4
	silent        = 0x8000
)

// A library is libpam, and what is needed of libc.
type library struct {
	start func(service, user string, conv *conv, handle *handle) int32
	end   func(h handle, status int32) int32
	// setItem and putEnv copy what they are given.
	setItem      func(h handle, item int32, text string) int32
	putEnv       func(h handle, assignment string) int32
	envList      func(h handle) **byte
	account      func(h handle, flags int32) int32
	setCred      func(h handle, flags int32) int32
	openSession  func(h handle, flags int32) int32
	closeSession func(h handle, flags int32) int32
	message      func(h handle, status int32) string

	setGroups func(n uintptr, list unsafe.Pointer) int32
	setGroup  func(real, effective, saved uint32) int32
	setUser   func(real, effective, saved uint32) int32
}

type handle uintptr

// conv is struct pam_conv.
type conv struct {
	answer uintptr
	_      uintptr // for the answering function; it needs nothing
}

// load finds the functions.
func load() (lib *library, err error) {
	lib = &library{}
	pam, err := purego.Dlopen("libpam.so.0", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, err
	}
	for name, f := range map[string]any{
		"pam_start": &lib.start, "pam_end": &lib.end, "pam_set_item": &lib.setItem,
		"pam_putenv": &lib.putEnv, "pam_getenvlist": &lib.envList, "pam_acct_mgmt": &lib.account,
		"pam_setcred": &lib.setCred, "pam_open_session": &lib.openSession,
		"pam_close_session": &lib.closeSession, "pam_strerror": &lib.message,
		"setgroups": &lib.setGroups, "setresgid": &lib.setGroup, "setresuid": &lib.setUser,
	} {
		at, e := purego.Dlsym(pam, name) // which finds what libpam itself needs, too
		if e != nil {
			return nil, e
		}
		purego.RegisterFunc(f, at)
	}
	return lib, nil
}

// A session is one that is open.
type session struct {
	*library
	h    handle
	conv *conv // which the library keeps
}

// open opens a session for the service. Nobody is there to answer questions.
func (lib *library) open(k *spawn.Keeping) (*session, error) {
	s := &session{library: lib, conv: &conv{}}
	s.conv.answer = purego.NewCallback(func(n int32, messages, answers, data uintptr) uintptr {
		return conversation
	})
	if status := lib.start(k.Service, k.User, s.conv, &s.h); status != success {
		return nil, fmt.Errorf("pam_start: %s", lib.message(0, status))
	}
	if tty := terminal(k); tty != "" {
		if status := lib.setItem(s.h, itemTerminal, tty); status != success {
			return nil, s.give("pam_set_item", status)
		}
	}
	for _, kv := range k.Env {
		if status := lib.putEnv(s.h, kv); status != success {
			return nil, s.give("pam_putenv", status)
		}
	}
	if status := lib.account(s.h, silent); status != success {
		return nil, s.give("pam_acct_mgmt", status)
	}
	_ = lib.setCred(s.h, establishCred|silent) // as systemd, which goes on without
	if status := lib.openSession(s.h, silent); status != success {
		return nil, s.give("pam_open_session", status)
	}
	return s, nil
}

// give gives up, and says why.
func (s *session) give(call string, status int32) error {
	err := errors.New(call + ": " + s.message(s.h, status))
	_ = s.end(s.h, status|silent)
	return err
}

// environment is what the modules have made of it.
func (s *session) environment() (env []string) {
	list := s.envList(s.h)
	if list == nil {
		return nil
	}
	for _, entry := range unsafe.Slice(list, 1<<20) {
		if entry == nil {
			break
		}
		n := 0
		for *(*byte)(unsafe.Add(unsafe.Pointer(entry), n)) != 0 {
			n++
		}
		env = append(env, unsafe.String(entry, n))
	}
	return env // never freed: it is needed to the end
}

// close closes it.
func (s *session) close() {
	_ = s.setCred(s.h, deleteCred|silent)
	status := s.closeSession(s.h, silent)
	_ = s.end(s.h, status|silent)
}

// become gives up all privileges that this process has besides those of the user, on every
// thread, as systemd does: modules close a session with the user's.
func (lib *library) become(uid, gid int) {
	_ = lib.setGroups(0, nil)
	_ = lib.setGroup(uint32(gid), uint32(gid), uint32(gid))
	_ = lib.setUser(uint32(uid), uint32(uid), uint32(uid))
}
