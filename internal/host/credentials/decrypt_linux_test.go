package credentials

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rouse/internal/host/reap"
	"rouse/internal/host/spawn"
	"rouse/internal/unit"
)

// decrypter has a shell script in the place of systemd-creds.
func decrypter(t *testing.T, script string) *Decrypter {
	t.Helper()
	tool := write1(t, filepath.Join(t.TempDir(), "tool"), "#!/bin/sh\n"+script)
	if err := os.Chmod(tool, 0o755); err != nil {
		t.Fatal(err)
	}
	d, s := &Decrypter{Tool: tool, Awaited: new(reap.Awaited)}, &spawn.Spawner{}
	d.Start = func(r *spawn.Request) (spawn.Process, error) {
		p, err := s.Start(r)
		if p.PID > 0 {
			go func() {
				var status syscall.WaitStatus
				if _, err := syscall.Wait4(p.PID, &status, 0, nil); err != nil {
					t.Error(err)
				}
				x := reap.Exit{PID: p.PID, Code: reap.Exited, Status: status.ExitStatus()}
				if status.Signaled() {
					x.Code, x.Status = reap.Killed, int(status.Signal())
				}
				d.Reaped(x)
			}()
		}
		return p, err
	}
	return d
}

// Whatever is encrypted goes through the program, with its name, in base64.
func TestDecrypt(t *testing.T) {
	s, dir := store(t)
	s.Decrypter = decrypter(t, `echo "[$*]"; cat`)
	s.Sealed = []string{filepath.Join(dir, "sealed")}
	write1(t, filepath.Join(dir, "sealed/key"), "c2VhbGVk")
	write1(t, filepath.Join(dir, "store2.encrypted/net.a"), "YQ==")
	write1(t, filepath.Join(dir, "tree/sub/x"), "eA==")
	x := &unit.Exec{}
	x.LoadCredentials = []unit.LoadCredential{
		{ID: "key", Path: "key", Encrypted: true}, {ID: "d", Path: dir + "/tree", Encrypted: true},
	}
	x.ImportCredentials = []string{"net.*"}
	x.SetCredentials = []unit.SetCredential{{ID: "set", Data: []byte("\x00a"), Encrypted: true}}
	list, err := s.collect("a.service", x)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"key": "c2VhbGVk", "d_sub_x": "eA==", "net.a": "YQ==", "set": "AGE="}
	for _, c := range list {
		all := "[decrypt --name=" + c.id + " --newline=no - -]\n" + want[c.id]
		if string(c.data) != all {
			t.Errorf("%s: %q, want %q", c.id, c.data, all)
		}
		delete(want, c.id)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestDecryptFails(t *testing.T) {
	for script, want := range map[string]string{
		"echo hint >&2; echo no key >&2; exit 3": "systemd-creds failed with status 3: no key",
		"exit 4":                                 "failed with status 4",
		"kill -9 $$":                             "failed with status 9",
		"exec sleep 1000":                        "it takes too long",
	} {
		d := decrypter(t, script)
		if strings.Contains(script, "sleep") {
			d.Limit = 50 * time.Millisecond
		}
		text, err := d.decrypt("a", []byte("x"))
		if len(text) > 0 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", script, text, err)
		}
	}
	d := decrypter(t, "")
	if err := os.Remove(d.Tool); err != nil {
		t.Fatal(err)
	}
	if _, err := d.decrypt("a", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no program: %v", err)
	}
	d.Start = func(*spawn.Request) (spawn.Process, error) {
		return spawn.Process{}, os.ErrPermission
	}
	if _, err := d.decrypt("a", nil); !errors.Is(err, os.ErrPermission) {
		t.Errorf("no process: %v", err)
	}
	if d.Reaped(reap.Exit{PID: 1}) {
		t.Error("a process of somebody else's")
	}
}

// Large ones go both ways at once, and what is too large is not kept.
func TestDecryptLarge(t *testing.T) {
	text, err := decrypter(t, "cat").decrypt("a", []byte(strings.Repeat("x", sizeMax)))
	if len(text) != sizeMax || err != nil {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	s, _ := store(t)
	s.Decrypter = decrypter(t, "head -c 2000000 /dev/zero")
	x := &unit.Exec{}
	x.SetCredentials = []unit.SetCredential{{ID: "set", Encrypted: true}}
	if _, err := s.collect("a.service", x); err == nil {
		t.Error("more than a unit may have")
	}
}
