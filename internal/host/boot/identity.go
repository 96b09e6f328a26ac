package boot

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"rouse/internal/host/sys"
)

// Hostname names the machine as hostname(5) says. A name that it has already stays if
// the file says nothing; one without any is "localhost".
func Hostname(log func(line string)) {
	name := hostname("/etc/hostname")
	if name == "" {
		if now, err := os.Hostname(); err == nil && now != "" && now != "(none)" {
			return
		}
		name = "localhost"
	}
	if err := sys.SetHostname(name); err != nil {
		log(err.Error())
	}
}

// hostname is the first line of a file that is neither empty nor a comment, if it can
// be a name.
func hostname(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
		if len(line) > 64 || strings.Trim(line, letters) != "" {
			return ""
		}
		return line
	}
	return ""
}

// MachineID sees to it that machine-id(5) has an ID: that of D-Bus, that which a
// container manager gives, or a fresh one. Where the file cannot be written, one in /run
// is mounted over it. A machine that has never had one boots for the first time, which
// /run/systemd/first-boot says from then on.
func MachineID(log func(line string)) {
	m := machineID{
		file: "/etc/machine-id", other: "/var/lib/dbus/machine-id", given: os.Getenv("container_uuid"),
		transient: "/run/machine-id", first: "/run/systemd/first-boot",
	}
	if err := m.settle(); err != nil {
		log(err.Error())
	}
}

// machineID is where an ID is, or comes from.
type machineID struct {
	file, other, given string
	transient, first   string
}

func (m machineID) settle() error {
	text, err := os.ReadFile(m.file)
	if isID(string(text)) {
		return nil
	}
	if err != nil || strings.TrimSpace(string(text)) == "uninitialized" {
		if err := touch(m.first); err != nil {
			return err
		}
	}
	id := strings.ToLower(strings.ReplaceAll(m.given, "-", ""))
	if other, err := os.ReadFile(m.other); err == nil && isID(string(other)) {
		id = strings.TrimSpace(string(other))
	}
	if !isID(id) {
		id = freshID()
	}
	line := []byte(id + "\n")
	if err := os.WriteFile(m.file, line, 0o444); err == nil {
		return nil
	}
	if err := os.WriteFile(m.transient, line, 0o444); err != nil {
		return err
	}
	return sys.Mount(m.transient, m.file, "", sys.MountBind, "")
}

func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

// isID reports whether text is 32 hexadecimal digits, and not all of them 0.
func isID(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) == 32 && strings.Trim(text, "0123456789abcdef") == "" &&
		strings.Trim(text, "0") != ""
}

// freshID is a random ID, marked as a UUID of version 4.
func freshID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return hex.EncodeToString(b[:])
}
