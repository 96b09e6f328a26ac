package identity

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rouse/internal/host/sys"
	"rouse/internal/unit/name"
)

// The numbers of users that exist for a while. systemd.exec(5), DynamicUser=.
const (
	dynamicMin = 61184
	dynamicMax = 65519
)

// attempts is how many numbers are tried before giving up.
const attempts = 100

// ErrTaken is what those get who ask for a user whose name is that of a group that
// belongs to no such user, or the other way round.
var ErrTaken = errors.New("a user or group of that name exists already")

// A Pool makes users that exist as long as somebody holds them: without a line in any
// file, but locks and symlinks in a directory, which everybody can look into and by
// which others keep off the numbers. Its methods may be called from any goroutine.
type Pool struct {
	dir   string
	files *DB

	mu    sync.Mutex
	users map[string]*dynamic
}

// A dynamic is one name that somebody holds.
type dynamic struct {
	uid, gid int
	lock     *os.File // nil: the name is that of a user or group in the files
	holders  map[string]bool
}

// NewPool makes a pool without users. Those of files are never made again.
func NewPool(dir string, files *DB) *Pool {
	return &Pool{dir: dir, files: files, users: map[string]*dynamic{}}
}

// Take finds or makes the user, and the group, for a holder. The owners of the
// directories near are preferred, for then these need not change hands.
func (p *Pool) Take(holder, user, group string, near []string) (uid, gid int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, err := p.take(holder, user, near, p.userID)
	if err != nil {
		return 0, 0, fmt.Errorf("make up user %s: %w", user, err)
	}
	if group == user || group == "" {
		return u.uid, u.gid, nil
	}
	g, err := p.take(holder, group, near, p.groupID)
	if err != nil {
		return 0, 0, fmt.Errorf("make up group %s: %w", group, err)
	}
	return u.uid, g.gid, nil
}

// take gives the holder a name. Static finds it in the files.
func (p *Pool) take(holder, who string, near []string,
	static func(string) (uid, gid int, err error)) (*dynamic, error) {
	d := p.users[who]
	if d == nil {
		d = &dynamic{holders: map[string]bool{}}
		var err error
		d.uid, d.gid, err = static(who)
		if errors.Is(err, ErrUnknown) {
			d.uid, d.lock, err = p.pick(who, near)
			d.gid = d.uid
		}
		if err != nil {
			return nil, err
		}
		p.users[who] = d
	}
	d.holders[holder] = true
	return d, nil
}

// userID finds a user in the files. Numbers need not be there.
func (p *Pool) userID(who string) (uid, gid int, err error) {
	if id, ok := number(who); ok {
		return id, id, nil
	}
	u, err := p.files.listed(who)
	if !errors.Is(err, ErrUnknown) {
		return u.UID, u.GID, err
	}
	if _, err := p.files.listedGroup(who); err == nil {
		return 0, 0, ErrTaken
	}
	return 0, 0, err
}

// groupID finds a group in the files.
func (p *Pool) groupID(which string) (uid, gid int, err error) {
	if id, ok := number(which); ok {
		return id, id, nil
	}
	g, err := p.files.listedGroup(which)
	if !errors.Is(err, ErrUnknown) {
		return g.GID, g.GID, err
	}
	if _, err := p.files.listed(which); err == nil {
		return 0, 0, ErrTaken
	}
	return 0, 0, err
}

// hashKey is the key of the hash by which a name has its number, as systemd has fixed it.
var hashKey = [16]byte{
	0x37, 0x53, 0x7e, 0x31, 0xcf, 0xce, 0x48, 0xf5, 0x8a, 0xbb, 0x39, 0x57, 0x8d, 0xd9, 0xec, 0x59,
}

func clamp(n uint32) int { return int(n%(dynamicMax-dynamicMin+1)) + dynamicMin }

// pick chooses a number that is nobody's, and locks it: that of the directories, that
// which the name mostly has, or any.
func (p *Pool) pick(who string, near []string) (uid int, lock *os.File, err error) {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return 0, nil, err
	}
	var candidates []int
	for _, path := range near {
		if info, err := os.Stat(path); err == nil {
			uid, _ := sys.Owner(info)
			candidates = append(candidates, uid)
		}
	}
	candidates = append(candidates, clamp(uint32(name.SipHash(hashKey, who))))
	for i := range attempts + len(candidates) {
		n := clamp(rand.Uint32())
		if i < len(candidates) {
			n = candidates[i]
		}
		if n < dynamicMin || n > dynamicMax {
			continue
		}
		lock, err := p.lock(n)
		if err != nil {
			return 0, nil, err
		}
		if lock == nil {
			continue
		}
		if p.used(n) {
			_ = os.Remove(lock.Name())
			lock.Close()
			continue
		}
		if _, err := lock.WriteAt([]byte(who+"\n"), 0); err == nil {
			_ = lock.Truncate(int64(len(who) + 1))
		}
		p.announce(n, who)
		return n, lock, nil
	}
	return 0, nil, errors.New("no free number was found")
}

// lock locks a number; nil is that somebody else has it.
func (p *Pool) lock(uid int) (*os.File, error) {
	path := filepath.Join(p.dir, strconv.Itoa(uid))
	for {
		f, err := sys.OpenLock(path)
		if err != nil {
			return nil, err
		}
		if err := sys.TryLock(f); err != nil {
			f.Close()
			if errors.Is(err, sys.EAGAIN) {
				return nil, nil
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		// Whoever had it may have removed the file before that.
		mine, err := f.Stat()
		there, err2 := os.Lstat(path)
		if err == nil && err2 == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
	}
}

// used reports whether a number belongs to somebody, or to what somebody has left.
func (p *Pool) used(id int) bool {
	text := strconv.Itoa(id)
	if _, err := p.files.listed(text); err == nil {
		return true
	}
	if _, err := p.files.listedGroup(text); err == nil {
		return true
	}
	for _, dir := range []string{"/dev/shm", "/dev/mqueue"} {
		entries, _ := os.ReadDir(dir) // not there is empty
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				continue
			}
			if uid, gid := sys.Owner(info); uid == id || gid == id {
				return true
			}
		}
	}
	for _, kind := range []string{"shm", "sem", "msg"} {
		if ownsIPC(kind, text) {
			return true
		}
	}
	return false
}

// ownsIPC reports whether a System V object belongs to a number. The columns have names.
// proc(5), /proc/sysvipc.
func ownsIPC(kind, id string) bool {
	text, err := os.ReadFile("/proc/sysvipc/" + kind)
	if err != nil {
		return false
	}
	head, rest, _ := strings.Cut(string(text), "\n")
	names := strings.Fields(head)
	for line := range strings.Lines(rest) {
		for i, field := range strings.Fields(line) {
			if i < len(names) && field == id && (names[i] == "uid" || names[i] == "gid") {
				return true
			}
		}
	}
	return false
}

// announce makes the symlinks by which number and name are found from each other.
func (p *Pool) announce(uid int, who string) {
	p.conceal(uid, who)
	number := strconv.Itoa(uid)
	_ = os.Symlink(who, filepath.Join(p.dir, "direct:"+number))
	_ = os.Symlink(number, filepath.Join(p.dir, "direct:"+who))
}

// conceal removes them.
func (p *Pool) conceal(uid int, who string) {
	_ = os.Remove(filepath.Join(p.dir, "direct:"+strconv.Itoa(uid)))
	_ = os.Remove(filepath.Join(p.dir, "direct:"+who))
}

// Drop takes from a holder what it has taken; what nobody holds is no user any more.
func (p *Pool) Drop(holder string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for who, d := range p.users {
		delete(d.holders, holder)
		if len(d.holders) > 0 {
			continue
		}
		delete(p.users, who)
		if d.lock != nil {
			_ = os.Remove(d.lock.Name())
			d.lock.Close()
			p.conceal(d.uid, who)
		}
	}
}

// Dynamic is a user of a pool, and who holds it.
type Dynamic struct {
	Name     string
	UID, GID int
	Static   bool // it is in the files
	Holders  []string
}

// Suspend gives all users, and ends the pool, for another one that is to go on with them.
func (p *Pool) Suspend() []Dynamic {
	list := p.List()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.users {
		if d.lock != nil {
			d.lock.Close()
		}
	}
	clear(p.users)
	return list
}

// List gives all users, by name.
func (p *Pool) List() []Dynamic {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Dynamic
	for _, who := range slices.Sorted(maps.Keys(p.users)) {
		d := p.users[who]
		list = append(list, Dynamic{Name: who, UID: d.uid, GID: d.gid, Static: d.lock == nil,
			Holders: slices.Sorted(maps.Keys(d.holders))})
	}
	return list
}

// Restore goes on with the users of another pool, which has ended.
func (p *Pool) Restore(list []Dynamic) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, u := range list {
		d := &dynamic{uid: u.UID, gid: u.GID, holders: map[string]bool{}}
		for _, h := range u.Holders {
			d.holders[h] = true
		}
		if !u.Static {
			lock, err := p.lock(u.UID)
			if err == nil && lock == nil {
				err = errors.New("somebody else has its number")
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("user %s: %w", u.Name, err))
				continue
			}
			d.lock = lock
		}
		p.users[u.Name] = d
	}
	return errors.Join(errs...)
}

// Find finds one that is in no file, by name or number, for DB.Further.
func (p *Pool) Find(who string) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, numeric := number(who)
	for called, d := range p.users {
		if d.lock != nil && (called == who || numeric && d.uid == id) {
			return User{
				Name: called, UID: d.uid, GID: d.gid, Home: "/", Shell: "/usr/sbin/nologin",
			}, true
		}
	}
	return User{}, false
}
