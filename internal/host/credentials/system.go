package credentials

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/unit/value"
)

// The directories of what the machine was given. systemd(1), CREDENTIALS.
const (
	system    = "@system"
	encrypted = "@encrypted"
)

// A Machine is where a system manager's own credentials come from.
type Machine struct {
	Getenv func(string) string
	// CommandLine is the kernel's; "" in a container, which has only what Getenv tells.
	CommandLine string
	// Root is the root directory; "" is "/".
	Root      string
	Container bool
}

// Receive brings the credentials of the machine to the directory @system, or finds them
// there, and has them searched. Faults are told, and are no reason not to go on.
func (s *Store) Receive(m Machine) (faults []error) {
	passed := false
	for _, c := range []struct{ variable, name string }{
		{"CREDENTIALS_DIRECTORY", system}, {"ENCRYPTED_CREDENTIALS_DIRECTORY", encrypted},
	} {
		dir := m.Getenv(c.variable)
		if !filepath.IsAbs(dir) {
			continue
		}
		passed = true
		faults = append(faults, s.lead(c.name, dir))
	}
	if own := s.Dir(system); !passed && !m.Container && !exists(own) {
		faults = append(faults, s.acquire(own, m))
	}
	if dir := s.Dir(system); exists(dir) {
		s.Received = append(s.Received, dir)
	}
	if dir := s.Dir(encrypted); exists(dir) {
		s.Sealed = append(s.Sealed, dir)
	}
	return faults
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lead makes a symlink to a directory that somebody else has filled.
func (s *Store) lead(name, dir string) error {
	link := s.Dir(name)
	if link == dir {
		return nil
	}
	if err := directory(s.Base, 0o755); err != nil {
		return err
	}
	if was, err := os.Readlink(link); err == nil && was != dir {
		_ = os.Remove(link)
	}
	if err := os.Symlink(dir, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// acquire gathers what the kernel, the virtual machine and the firmware have. Of those
// with the same name the first counts.
func (s *Store) acquire(final string, m Machine) error {
	words, err := value.Words(m.CommandLine, value.Unquote|value.Relax)
	if err != nil {
		words = strings.Fields(m.CommandLine)
	}
	c := &collection{Store: s}
	var errs []error
	put := func(id string, data []byte, err error) {
		if err == nil && !Valid(id) {
			err = fmt.Errorf("credential %q: cannot be called that", id)
		}
		if err == nil && !c.has(id) {
			err = c.add(id, data)
		}
		errs = append(errs, err)
	}
	for _, word := range words {
		if word == "systemd.import_credentials=no" {
			return nil
		}
	}
	for _, word := range words {
		if set, ok := strings.CutPrefix(word, "systemd.set_credential="); ok {
			id, text, _ := strings.Cut(set, ":")
			put(id, []byte(text), nil)
		}
	}
	fromQEMU(m.Root, put)
	fromFirmware(m.Root, put)
	if len(c.list) == 0 {
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, s.place(final, c.list))...)
}

// place puts the manager's own credentials where only root can read them.
func (s *Store) place(final string, list []credential) error {
	for dir, mode := range map[string]fs.FileMode{s.Base: 0o755, final: 0o700} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return err
		}
		if err := os.Chmod(dir, mode); err != nil {
			return err
		}
	}
	return hand(final, list, -1)
}

// Valid reports whether a credential can be called that.
func Valid(id string) bool {
	return id != "" && id != "." && id != ".." && len(id) <= 255 && !strings.ContainsAny(id, "/:") &&
		!strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' })
}

// fromQEMU reads what QEMU hands over by files of its own.
func fromQEMU(root string, put func(string, []byte, error)) {
	dir := filepath.Join("/", root, "sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials")
	entries, _ := os.ReadDir(dir) // which mostly is not there
	for _, e := range entries {
		data, err := readFile(filepath.Join(dir, e.Name(), "raw"))
		put(e.Name(), data, err)
	}
}

// fromFirmware reads strings that the vendor, or a virtual machine, has left in the
// tables of the firmware. SMBIOS, type 11.
func fromFirmware(root string, put func(string, []byte, error)) {
	for i := 0; ; i++ {
		name := "sys/firmware/dmi/entries/11-" + strconv.Itoa(i) + "/raw"
		data, err := readFile(filepath.Join("/", root, name))
		if err != nil || len(data) < 5 || data[0] != 11 || data[1] != 5 {
			return
		}
		for s := range strings.SplitSeq(string(data[5:]), "\x00") {
			if set, ok := strings.CutPrefix(s, "io.systemd.credential:"); ok {
				id, text, _ := strings.Cut(set, "=")
				put(id, []byte(text), nil)
			} else if set, ok := strings.CutPrefix(s, "io.systemd.credential.binary:"); ok {
				id, text, _ := strings.Cut(set, "=")
				data, err := base64.StdEncoding.DecodeString(text)
				put(id, data, err)
			}
		}
	}
}
