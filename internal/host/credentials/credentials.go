// Package credentials gives units what they are to keep secret: files in a directory
// of their own, which only they can read, and which is gone when they stop. It knows
// where credentials come from and where they are put. It answers for LoadCredential=,
// ImportCredential= and SetCredential= of systemd.exec(5). Encrypted ones are decrypted by
// systemd-creds(1); where that is not there, a unit that is to have one fails.
package credentials

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rouse/internal/unit"
)

// sizeMax is how large all credentials of a unit may be, with their names.
const sizeMax = 1 << 20

// patience is how long a socket may take to hand a credential over.
const patience = 90 * time.Second

// ErrEncrypted is that of credentials which would have to be decrypted.
var ErrEncrypted = errors.New("encrypted credentials are not decrypted")

// A Store is where credentials come from and where those of units are put.
type Store struct {
	// Base holds the directories of units: "/run/credentials".
	Base string
	// Received are directories of credentials that the manager was given, Sealed of
	// encrypted ones.
	Received, Sealed []string
	// Stores are searched after them; nil is those of the machine. Where encrypted ones
	// are lies beside each, with that word after a dot.
	Stores []string
	// Decrypter decrypts; nil is that nobody does.
	Decrypter *Decrypter
}

// stores are where credentials lie in wait. systemd.exec(5), LoadCredential=.
var stores = []string{
	"/etc/credstore", "/run/credstore", "/usr/local/lib/credstore", "/usr/lib/credstore",
}

// Any reports whether a unit has credentials.
func Any(x *unit.Exec) bool {
	return len(x.SetCredentials)+len(x.LoadCredentials)+len(x.ImportCredentials) > 0
}

// Dir is the directory of a unit, $CREDENTIALS_DIRECTORY.
func (s *Store) Dir(unit string) string { return filepath.Join(s.Base, unit) }

// An Error is a credential that cannot be had.
type Error struct {
	Directive string
	ID        string
	Err       error
}

func (e *Error) Error() string { return fmt.Sprintf("%s=%s: %v", e.Directive, e.ID, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// A credential is one file of a unit's directory.
type credential struct {
	id   string
	data []byte
}

// A collection is what a unit's directory will have in it.
type collection struct {
	*Store
	unit string
	x    *unit.Exec
	list []credential
	size int
}

// collect reads the credentials of a unit: those that are loaded, then those that are
// imported, then those that its file gives, where there is none of that name yet.
func (s *Store) collect(name string, x *unit.Exec) ([]credential, error) {
	c := &collection{Store: s, unit: name, x: x}
	for _, l := range x.LoadCredentials {
		err := c.load(l)
		directive := "LoadCredential"
		if l.Encrypted {
			directive = "LoadCredentialEncrypted"
		}
		if err != nil {
			return nil, &Error{Directive: directive, ID: l.ID, Err: err}
		}
	}
	for _, glob := range x.ImportCredentials {
		if err := c.fetch(glob); err != nil {
			return nil, &Error{Directive: "ImportCredential", ID: glob, Err: err}
		}
	}
	for _, l := range x.SetCredentials {
		if c.has(l.ID) {
			continue
		}
		directive, data, err := "SetCredential", l.Data, error(nil)
		if l.Encrypted {
			directive = "SetCredentialEncrypted"
			data, err = c.Decrypter.decrypt(l.ID, encoded(data))
		}
		if err == nil {
			err = c.add(l.ID, data)
		}
		if err != nil {
			return nil, &Error{Directive: directive, ID: l.ID, Err: err}
		}
	}
	return c.list, nil
}

func (c *collection) has(id string) bool {
	return slices.ContainsFunc(c.list, func(o credential) bool { return o.id == id })
}

func (c *collection) add(id string, data []byte) error {
	if c.size += len(id) + len(data); c.size > sizeMax {
		return fmt.Errorf("all credentials are larger than %d bytes", sizeMax)
	}
	c.list = slices.DeleteFunc(c.list, func(o credential) bool { return o.id == id })
	c.list = append(c.list, credential{id, data})
	return nil
}

// load reads one credential, or a directory of them. One that is not there is an error
// only if a path says where it should be, and the unit's file gives nothing in its place.
func (c *collection) load(l unit.LoadCredential) error {
	if filepath.IsAbs(l.Path) {
		if info, err := os.Stat(l.Path); err == nil && info.IsDir() {
			return c.loadAll(l)
		}
	}
	data, err := c.read(l)
	set := func(s unit.SetCredential) bool { return s.ID == l.ID }
	if errors.Is(err, fs.ErrNotExist) &&
		(!filepath.IsAbs(l.Path) || slices.ContainsFunc(c.x.SetCredentials, set)) {
		return nil
	}
	return c.open(l.ID, data, l.Encrypted, err)
}

// open adds what was read, if that went well, and decrypts it before if it is encrypted.
func (c *collection) open(id string, data []byte, encrypted bool, err error) error {
	if err == nil && encrypted {
		data, err = c.Decrypter.decrypt(id, data)
	}
	if err != nil {
		return err
	}
	return c.add(id, data)
}

// read finds a credential by its path, or by its name in what the manager was given and
// in the stores.
func (c *collection) read(l unit.LoadCredential) ([]byte, error) {
	if filepath.IsAbs(l.Path) {
		return c.readPath(l.Path, l.ID)
	}
	places := c.plain()
	if l.Encrypted {
		places = append(c.sealed(), places...)
	}
	for _, dir := range places {
		data, err := readFile(filepath.Join(dir, l.Path))
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return nil, fs.ErrNotExist
}

// plain are the directories in which credentials are that can be read.
func (s *Store) plain() []string {
	places := s.Stores
	if places == nil {
		places = stores
	}
	return slices.Concat(s.Received, places)
}

// sealed are the directories of those that would have to be decrypted.
func (s *Store) sealed() []string {
	list := slices.Clone(s.Sealed)
	for _, dir := range s.plain()[len(s.Received):] {
		list = append(list, dir+".encrypted")
	}
	return list
}

// fetch reads all credentials whose names fit. Of those with the same name the first one
// counts; that there is none is no error.
func (c *collection) fetch(glob string) error {
	start, any := strings.CutSuffix(glob, "*")
	plain := c.plain()
	for i, dir := range slices.Concat(plain, c.sealed()) {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			id := e.Name()
			if c.has(id) || !Valid(id) || id != start && !(any && strings.HasPrefix(id, start)) {
				continue
			}
			path := filepath.Join(dir, id)
			if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
				continue
			}
			data, err := readFile(path)
			if err = c.open(id, data, i >= len(plain), err); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return nil
}

// readPath reads a file, or what a socket has to say.
func (c *collection) readPath(path, id string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return readFile(path)
	}
	// The other end learns from the address who wants what.
	from := net.UnixAddr{Net: "unix", Name: "@" + strconv.FormatUint(rand.Uint64(), 16) +
		"/unit/" + c.unit + "/" + id}
	conn, err := net.DialUnix("unix", &from, &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	return limited(conn)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limited(f)
}

func limited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, sizeMax+1))
	if err == nil && len(data) > sizeMax {
		err = fmt.Errorf("larger than %d bytes", sizeMax)
	}
	return data, err
}

// loadAll reads all files below a directory but hidden ones. What is a/b there is called
// ID_a_b.
func (c *collection) loadAll(l unit.LoadCredential) error {
	return fs.WalkDir(os.DirFS(l.Path), ".", func(below string, e fs.DirEntry, err error) error {
		switch hidden := below != "." && strings.HasPrefix(e.Name(), "."); {
		case err == nil && hidden && e.IsDir():
			return fs.SkipDir
		case err != nil || hidden || !e.Type().IsRegular():
			return err
		}
		id := l.ID + "_" + strings.ReplaceAll(below, "/", "_")
		if c.has(id) {
			return nil
		}
		if len(id) > 255 || strings.Contains(id, ":") {
			return fmt.Errorf("%s would be called %s, which cannot be", below, id)
		}
		data, err := readFile(filepath.Join(l.Path, below))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return c.open(id, data, l.Encrypted, err)
	})
}
