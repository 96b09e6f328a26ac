package credentials

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rouse/internal/host/sys"
)

func TestReceive(t *testing.T) {
	s, dir := store(t)
	write1(t, filepath.Join(dir, "sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/q/raw"),
		"qemu")
	write1(t, filepath.Join(dir, "sys/firmware/dmi/entries/11-0/raw"), "\x0b\x05\x00\x00\x02"+
		"io.systemd.credential:f=firm=ware\x00io.systemd.credential.binary:b=AAE=\x00"+
		"io.systemd.credential:q=no\x00other\x00\x00")
	m := Machine{
		Getenv: func(string) string { return "" }, Root: dir,
		CommandLine: `quiet "systemd.set_credential=c:a b:c" systemd.set_credential=../x:y`,
	}
	s.Received = nil
	faults := slices.DeleteFunc(s.Receive(m), func(err error) bool { return err == nil })
	own := s.Dir(system)
	t.Cleanup(func() { _ = s.Remove(system) })
	if len(faults) != 1 || !slices.Equal(s.Received, []string{own}) {
		t.Fatalf("%v, %q", faults, s.Received)
	}
	for id, want := range map[string]string{
		"c": "a b:c", "q": "qemu", "f": "firm=ware", "b": "\x00\x01",
	} {
		if text, err := os.ReadFile(filepath.Join(own, id)); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v, want %q", id, text, err, want)
		}
	}
	if entries, _ := os.ReadDir(own); len(entries) != 4 {
		t.Errorf("%v", entries)
	}
	again := &Store{Base: s.Base}
	if faults := again.Receive(m); len(again.Received) != 1 {
		t.Errorf("%v, %q", faults, again.Received)
	}
	x := load("c")
	if err := again.Make("a.service", &x, -1); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(again.Dir("a.service"), "c")); string(text) != "a b:c" {
		t.Errorf("%q, %v", text, err)
	}
	_ = again.Remove("a.service")
}

// What a container manager hands over is taken as it is, and nothing else.
func TestReceiveContainer(t *testing.T) {
	for _, forbid := range []bool{false, true} {
		s, dir := store(t)
		s.Received = nil
		passed := filepath.Dir(write1(t, filepath.Join(dir, "passed/p"), "passed"))
		m := Machine{Root: dir, CommandLine: "systemd.set_credential=c:x", Container: true,
			Getenv: func(name string) string {
				if name == "CREDENTIALS_DIRECTORY" && !forbid {
					return passed
				}
				return ""
			}}
		s.Receive(m)
		if forbid {
			if len(s.Received) > 0 || exists(s.Base) {
				t.Errorf("%q", s.Received)
			}
			continue
		}
		if to, err := os.Readlink(s.Dir(system)); to != passed || len(s.Received) != 1 {
			t.Errorf("%q, %v, %q", to, err, s.Received)
		}
	}
	s, _ := store(t)
	s.Received = nil
	s.Receive(Machine{Getenv: func(string) string { return "" },
		CommandLine: "systemd.set_credential=c:x systemd.import_credentials=no"})
	if exists(s.Dir(system)) || sys.IsMount(s.Dir(system)) {
		t.Error("was imported")
	}
}
