package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/unit"
)

// spaces makes its directories below one of the test.
func spaces(t *testing.T) *Spaces {
	return &Spaces{
		TmpDirs: [2]string{t.TempDir(), t.TempDir()},
		BootID:  func() (string, error) { return "boot", nil },
	}
}

func tmp() *unit.Exec {
	x := &unit.Exec{}
	x.PrivateTmp = true
	return x
}

// A unit has its directories for as long as it lives, and others cannot get at them.
func TestTmp(t *testing.T) {
	s := spaces(t)
	sp := s.Of("a.service", nil)
	for range 2 { // the second time nothing is made
		if err := s.Prepare(sp, "a.service", tmp()); err != nil {
			t.Fatal(err)
		}
	}
	for i, dir := range []string{sp.Tmp, sp.VarTmp} {
		outer := filepath.Dir(dir)
		if filepath.Dir(outer) != s.TmpDirs[i] ||
			!strings.HasPrefix(filepath.Base(outer), "systemd-private-boot-a.service-") {
			t.Errorf("directory %s", dir)
		}
		info, err := os.Stat(outer)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, mode %v", err, info.Mode())
		}
		if info, err = os.Stat(dir); err != nil || info.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
			t.Errorf("%v, mode %v", err, info.Mode())
		}
	}
	if s.Of("a.service", nil) != sp {
		t.Error("another one for another process")
	}
	if err := os.WriteFile(sp.Tmp+"/file", nil, 0); err != nil {
		t.Fatal(err)
	}
	remove := s.Drop("a.service")
	if remove == nil || remove() != nil || s.Drop("a.service") != nil {
		t.Error("it is not removed once")
	}
	for _, dir := range s.TmpDirs {
		if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
			t.Errorf("left: %v, %v", list, err)
		}
	}
}

// Units that join each other share one, which lives as long as the last of them.
func TestJoins(t *testing.T) {
	s := spaces(t)
	a := s.Of("a.service", []string{"b.service"})
	if b := s.Of("b.service", []string{"x.service", "a.service"}); b != a {
		t.Error("b has another one than a")
	}
	if s.Of("c.service", nil) == a {
		t.Error("c has the same as a")
	}
	next := spaces(t)
	next.Restore(s.Saved())
	if next.Of("b.service", nil) != a || next.Of("c.service", nil) == a {
		t.Error("saved and restored, it is another")
	}
	if s.Drop("a.service") != nil {
		t.Error("removed while b has it")
	}
	if s.Drop("b.service") == nil {
		t.Error("not removed")
	}
}

// What cannot be made whole is not made at all.
func TestTmpFails(t *testing.T) {
	s := spaces(t)
	s.TmpDirs[1] = filepath.Join(s.TmpDirs[1], "missing")
	sp := s.Of("a.service", nil)
	if err := s.Prepare(sp, "a.service", tmp()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if list, err := os.ReadDir(s.TmpDirs[0]); err != nil || len(list) > 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}

func TestNeeds(t *testing.T) {
	for _, set := range []func(x *unit.Exec){
		func(x *unit.Exec) { x.PrivateTmp = true },
		func(x *unit.Exec) { x.PrivateNetwork = true },
		func(x *unit.Exec) { x.PrivateIPC = true },
	} {
		x := &unit.Exec{}
		if Needs(x) {
			t.Error("an empty one needs something")
		}
		if set(x); !Needs(x) {
			t.Errorf("%+v needs nothing", x.Sandbox)
		}
	}
}
