package run

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"

	"rouse/internal/client/tool"
	"rouse/internal/face/dbus/client"
	"rouse/internal/host/sys"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
	"rouse/internal/wire/dbus"
)

// caller is an order on its way.
type caller struct {
	*order
	conn *client.Conn

	mu      sync.Mutex
	results map[string]string         // of jobs, by path
	changes map[string]map[string]any // properties that signals told of, by unit
	news    chan struct{}
}

const unitInterface = "org.freedesktop.systemd1.Unit"

// dial connects: to the bus where somebody is to hold the unit, which the private socket
// cannot; else to that, where we may.
func (o *order) dial() (*caller, error) {
	c := &caller{
		order: o, results: map[string]string{}, changes: map[string]map[string]any{},
		news: make(chan struct{}, 1),
	}
	run := o.Getenv("XDG_RUNTIME_DIR")
	private, bus := client.PrivateSocket, client.SystemBus
	if o.Has("user") {
		private, bus = path.Join(run, "systemd/private"), path.Join(run, "bus")
	}
	held := o.wait || o.pty || o.pipe
	way := []bool{false, true} // on the bus?
	if held || !o.Has("user") && os.Getuid() != 0 {
		way = []bool{true, false}
	}
	var first error
	for _, onBus := range way {
		at := private
		if onBus {
			at = bus
		}
		conn, err := client.Dial(at, onBus, c.heard)
		if err == nil {
			c.conn = conn
			for _, member := range [...]string{"JobRemoved", "UnitRemoved"} {
				if err := conn.Match("type='signal',interface='" + client.Interface + "',member='" +
					member + "'"); err != nil {
					return nil, err
				}
			}
			return c, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// heard notes what signals tell.
func (c *caller) heard(m *dbus.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := m.Decoder()
	switch {
	case m.Member == "JobRemoved" && m.Signature == "uoss":
		d.Uint32()
		job := d.Path()
		d.Text()
		c.results[job] = d.Text()
	case m.Member == "UnitRemoved": // whoever waits for it looks again
	case m.Member == "PropertiesChanged" && m.Signature == "sa{sv}as":
		d.Text()
		have := c.changes[m.Path]
		if have == nil {
			have = map[string]any{}
			c.changes[m.Path] = have
		}
		for n, v := range client.ReadProperties(d) {
			have[n] = v
		}
	default:
		return
	}
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// until waits for something that signals tell.
func (c *caller) until(ready func() bool) error {
	for {
		c.mu.Lock()
		done := ready()
		c.mu.Unlock()
		if done {
			return nil
		}
		if err := c.sleep(); err != nil {
			return err
		}
	}
}

// draw makes a name that nobody has.
func draw(suffix string) string {
	var id [16]byte
	rand.Read(id[:]) //nolint:errcheck // never fails
	return "run-r" + hex.EncodeToString(id[:]) + suffix
}

// unitName is the name given, or one that is drawn.
func (c *caller) unitName(t name.Type) (string, error) {
	suffix := "." + t.String()
	given := c.Value("unit")
	if given == "" {
		if n, ok := strings.CutPrefix(c.conn.Name, ":1."); ok {
			return "run-u" + n + suffix, nil
		}
		return draw(suffix), nil
	}
	if name.TypeOf(given) != name.Bad && name.TypeOf(given) != t {
		given = strings.TrimSuffix(given, path.Ext(given))
	}
	if name.TypeOf(given) != t {
		given += suffix
	}
	if !name.Valid(given, name.Plain|name.Instance) {
		return "", tool.Complain("Failed to mangle unit name: Invalid argument")
	}
	return given, nil
}

// inheritSlice puts the unit into our own slice.
func (c *caller) inheritSlice() error {
	c.slice = c.Value("slice")
	if c.slice != "" && !strings.HasSuffix(c.slice, ".slice") {
		c.slice += ".slice"
	}
	if !c.Has("slice-inherit") {
		return nil
	}
	v, err := c.conn.Property("/org/freedesktop/systemd1/unit/self",
		"org.freedesktop.systemd1.Service", "Slice")
	if err != nil {
		return err
	}
	own, _ := v.(string)
	if c.slice == "" {
		c.slice = own
	} else if own != "-.slice" {
		c.slice = strings.TrimSuffix(own, ".slice") + "-" + c.slice
	}
	return nil
}

// startUnit makes the unit, and waits for its job unless told not to.
func (c *caller) startUnit(
	unit string, props []directive.Property, aux []client.Unit, fds ...int,
) error {
	d, err := c.conn.Call(client.ManagerPath, client.Interface, "StartTransientUnit",
		"ssa(sv)a(sa(sv))", func(e *dbus.Encoder) {
			e.Text(unit)
			e.Text("fail")
			client.WriteSettings(e, props)
			client.WriteUnits(e, aux)
		}, fds...)
	if err != nil {
		return err
	}
	job := d.Path()
	if c.Has("no-block") {
		return nil
	}
	if err := c.until(func() bool { return c.results[job] != "" }); err != nil {
		return err
	}
	switch result := c.results[job]; result {
	case "done", "skipped":
	case "canceled":
		return tool.Complain("Job for %s canceled.", unit)
	case "timeout":
		return tool.Complain("Job for %s timed out.", unit)
	case "dependency":
		return tool.Complain("A dependency job for %s failed. See 'journalctl -xe' for details.", unit)
	default:
		return tool.Complain("Job for %s failed.\nSee \"systemctl status %s\" and "+
			"\"journalctl -xeu %s\" for details.", unit, unit, unit)
	}
	return nil
}

// runScope makes a scope of this process and becomes the command.
func (c *caller) runScope() (int, error) {
	unit, err := c.unitName(name.Scope)
	if err == nil {
		err = c.inheritSlice()
	}
	if err != nil {
		return 1, err
	}
	if c.Value("unit") == "" {
		unit = draw(".scope")
	}
	props, err := c.common(name.Scope)
	if err != nil {
		return 1, err
	}
	props = append(props, directive.Property{Name: "PIDs", Type: "au",
		Value: []any{uint32(os.Getpid())}})
	if err := c.startUnit(unit, props, nil); err != nil {
		return 1, tool.Complain("Failed to start transient scope unit: %s", err)
	}
	c.inform("Running scope as unit: %s", unit)
	env := c.Environ()
	if v, err := c.conn.Property("/org/freedesktop/systemd1/unit/self", unitInterface,
		"InvocationID"); err == nil {
		if id, ok := v.([]byte); ok && len(id) == 16 {
			env = append(env, "INVOCATION_ID="+hex.EncodeToString(id))
		}
	}
	env = value.MergeEnv(append(env, c.environment()...))
	if err := c.become(); err != nil {
		return 1, err
	}
	if dir := c.directory(); dir != "" {
		if err := os.Chdir(dir); err != nil {
			return 1, tool.Complain("Failed to change working directory: %s", plainError(err))
		}
	}
	err = syscall.Exec(c.argv[0], c.argv, env)
	return 1, tool.Complain("Failed to execute: %s", plainError(err))
}

// become takes on the nice level and the user that the command is to have.
func (c *caller) become() error {
	if nice := c.Value("nice"); nice != "" {
		out, err := exec.Command("renice", "-n", nice, "-p", fmt.Sprint(os.Getpid())).CombinedOutput()
		if err != nil {
			return tool.Complain("Failed to set nice level: %s", strings.TrimSpace(string(out)))
		}
	}
	uid, gid, groups, err := account(c.Value("uid"), c.Value("gid"))
	if err != nil {
		return err
	}
	if gid >= 0 {
		err = errors.Join(syscall.Setgroups(groups), syscall.Setgid(gid))
	}
	if uid >= 0 && err == nil {
		err = syscall.Setuid(uid)
	}
	if err != nil {
		return tool.Complain("Failed to change UID/GID: %s", plainError(err))
	}
	return nil
}

// account finds the user and the group; -1 is as it is.
func account(userName, groupName string) (uid, gid int, groups []int, err error) {
	uid, gid = -1, -1
	if userName != "" {
		u, err := user.Lookup(userName)
		if err != nil {
			u, err = user.LookupId(userName)
		}
		if err != nil {
			return -1, -1, nil, tool.Complain("Failed to resolve user %s: No such process", userName)
		}
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
		ids, _ := u.GroupIds()
		for _, id := range ids {
			if n, err := strconv.Atoi(id); err == nil {
				groups = append(groups, n)
			}
		}
	}
	if groupName != "" {
		g, err := user.LookupGroup(groupName)
		if err != nil {
			g, err = user.LookupGroupId(groupName)
		}
		if err != nil {
			return -1, -1, nil, tool.Complain("Failed to resolve group %s: No such process", groupName)
		}
		gid, _ = strconv.Atoi(g.Gid)
	}
	return uid, gid, groups, nil
}

// runTrigger makes a timer, path or socket, and the service that it starts.
func (c *caller) runTrigger() (int, error) {
	unit, err := c.unitName(name.Service)
	if err == nil {
		err = c.inheritSlice()
	}
	if err != nil {
		return 1, err
	}
	if c.Value("unit") == "" {
		unit = draw(".service")
	}
	word := c.trigger.String()
	by := strings.TrimSuffix(unit, ".service") + "." + word
	service, err := c.service("")
	if err != nil {
		return 1, err
	}
	description := c.Value("description")
	if description == "" {
		description = service[0].Value.(string)
	}
	own, err := Assignments(c.trigger, c.Values(word+"-property"))
	if err != nil {
		return 1, err
	}
	props := append([]directive.Property{text("Description", description)}, own...)
	if c.trigger == name.Timer {
		props = append(props, c.times...)
		props = append(props, directive.Property{Name: "RemainAfterElapse", Type: "b", Value: false})
	}
	var aux []client.Unit
	if len(c.argv) > 0 {
		aux = []client.Unit{{Name: unit, Settings: service}}
	}
	if err := c.startUnit(by, props, aux); err != nil {
		return 1, tool.Complain("Failed to start transient %s unit: %s", word, err)
	}
	c.inform("Running %s as unit: %s", word, by)
	if len(c.argv) > 0 {
		c.inform("Will run service as unit: %s", unit)
	}
	return 0, nil
}

// runService makes a service.
func (c *caller) runService() (int, error) {
	unit, err := c.unitName(name.Service)
	if err == nil {
		err = c.inheritSlice()
	}
	if err != nil {
		return 1, err
	}
	var pty *terminal
	tty := ""
	if c.pty {
		if pty, err = openTerminal(); err != nil {
			return 1, tool.Complain("Failed to determine tty name: %s", plainError(err))
		}
		defer pty.close()
		tty = pty.name
	}
	props, err := c.service(tty)
	if err != nil {
		return 1, err
	}
	var fds []int
	if c.pipe {
		fds = []int{0, 1, 2}
	}
	held := c.wait || c.pty || c.pipe
	if held {
		rule := "type='signal',sender='" + client.Manager + "',path='" + name.BusPath(unit) +
			"',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'"
		if err := c.conn.Match(rule); err != nil {
			return 1, err
		}
	}
	if err := c.startUnit(unit, props, nil, fds...); err != nil {
		return 1, tool.Complain("Failed to start transient service unit: %s", err)
	}
	c.inform("Running as unit: %s", unit)
	if !held {
		return 0, nil
	}
	if pty != nil {
		c.inform("Press ^] three times within 1s to disconnect TTY.")
		pty.forward()
	}
	if !c.wait && pty == nil && !c.pipe {
		return 0, nil
	}
	return c.await(unit, pty)
}

// await waits until the service has ended, tells how, and gives its exit status. What a
// signal tells may be older than what was read meanwhile, so each is taken as a reason to
// read again; of a unit that nobody holds signals are all there is in the end.
func (c *caller) await(unit string, pty *terminal) (int, error) {
	path := name.BusPath(unit)
	var last map[string]any
	var err error
	for {
		if last, err = c.conn.Properties(path); err == nil {
			state, _ := last["ActiveState"].(string)
			if load, _ := last["LoadState"].(string); load == "not-found" {
				break
			}
			if state == "inactive" || state == "failed" {
				break
			}
		}
		if err = c.sleep(); err != nil {
			break
		}
	}
	if load, _ := last["LoadState"].(string); err == nil && load == "not-found" {
		c.mu.Lock()
		last = c.changes[path]
		c.mu.Unlock()
	}
	if pty != nil {
		pty.drain()
	}
	if err != nil {
		return 1, err
	}
	result, _ := last["Result"].(string)
	code, _ := last["ExecMainCode"].(int32)
	status, _ := last["ExecMainStatus"].(int32)
	if c.wait {
		c.summary(last, result, code, status)
	}
	switch {
	case result != "success" && result != "exit-code" && result != "":
		return 1, nil
	case code == 1:
		return int(status), nil
	case code != 0:
		return 1, nil
	}
	return 0, nil
}

// sleep waits for a signal.
func (c *caller) sleep() error {
	select {
	case <-c.news:
	case <-c.conn.Done():
		return errors.New("connection to the manager lost")
	case <-c.Ctx.Done():
		return c.Ctx.Err()
	}
	return nil
}

// ways are the codes of waitid(2), as they are printed.
var ways = map[int32]string{1: "exited", 2: "killed", 3: "dumped"}

func (c *caller) summary(last map[string]any, result string, code, status int32) {
	c.inform("Finished with result: %s", result)
	switch code {
	case 1:
		c.inform("Main processes terminated with: code=exited/status=%d", status)
	case 2, 3:
		c.inform("Main processes terminated with: code=%s/status=%s", ways[code],
			strings.TrimPrefix(value.Signal(status).String(), "SIG"))
	}
	exit, _ := last["InactiveEnterTimestampMonotonic"].(uint64)
	enter, _ := last["InactiveExitTimestampMonotonic"].(uint64)
	if exit > enter && enter > 0 {
		c.inform("Service runtime: %s", value.Span(exit-enter).Format(value.Millisecond))
	}
	if cpu, ok := last["CPUUsageNSec"].(uint64); ok && cpu != ^uint64(0) {
		c.inform("CPU time consumed: %s", value.Span(cpu/1000).Format(value.Millisecond))
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// terminal is a pseudo terminal, and what of ours is connected to it.
type terminal struct {
	name   string
	master *os.File
	was    *term.State
	done   chan struct{}
}

func openTerminal() (*terminal, error) {
	master, slave, err := sys.OpenTerminal()
	if err != nil {
		return nil, err
	}
	t := &terminal{name: slave, master: master, done: make(chan struct{})}
	if isTerminal(os.Stdin) {
		if w, h, err := term.GetSize(0); err == nil {
			sys.SetTerminalSize(master, w, h) //nolint:errcheck // it has some size
		}
		t.was, _ = term.MakeRaw(0)
	}
	return t, nil
}

// forward copies what is typed and what is printed.
func (t *terminal) forward() {
	go func() {
		defer close(t.done)
		copyUntilEnd(os.Stdout, t.master)
	}()
	go copyUntilEnd(t.master, os.Stdin)
}

func copyUntilEnd(to, from *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			to.Write(buf[:n]) //nolint:errcheck // whoever reads may have gone
		}
		if err != nil {
			return
		}
	}
}

// drain waits until all that was printed is through.
func (t *terminal) drain() { <-t.done }

func (t *terminal) close() {
	if t.was != nil {
		term.Restore(0, t.was) //nolint:errcheck // nothing is left to be done
	}
	t.master.Close()
}
