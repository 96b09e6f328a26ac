// Package remote is a manager at the other end of D-Bus, roused or systemd: face.Manager,
// whose calls are methods of org.freedesktop.systemd1. It knows the methods and their
// arguments, and nothing of sockets. What only roused can be asked (plan, why) it refuses.
package remote

import (
	"context"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rouse/internal/face"
	"rouse/internal/face/dbus/client"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
	"rouse/internal/wire/dbus"
)

// Manager implements face.Manager. It is for one client, whose calls may overlap.
type Manager struct {
	face.NoShow
	face.NoFiles
	face.NoTransient
	conn *client.Conn

	mu      sync.Mutex
	ended   map[uint32]string // results of jobs
	changed chan struct{}     // closed when there is another one
}

// Dial connects to the manager's private socket, or, with bus, to a message bus.
func Dial(socket string, bus bool) (*Manager, error) {
	m := &Manager{ended: map[uint32]string{}, changed: make(chan struct{})}
	c, err := client.Dial(socket, bus, m.heard)
	if err != nil {
		return nil, err
	}
	m.conn = c
	return m, nil
}

// Close ends the connection.
func (m *Manager) Close() error { return m.conn.Close() }

// heard notes what has become of jobs.
func (m *Manager) heard(s *dbus.Message) {
	if s.Member != "JobRemoved" || s.Signature != "uoss" {
		return
	}
	d := s.Decoder()
	id := d.Uint32()
	d.Path()
	d.Text()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended[id] = d.Text()
	close(m.changed)
	m.changed = make(chan struct{})
}

// call calls a method of the manager; args are of the types that sig says.
func (m *Manager) call(member, sig string, args ...any) (*dbus.Decoder, error) {
	return m.on(client.ManagerPath, client.Interface, member, sig, args...)
}

func (m *Manager) on(at, iface, member, sig string, args ...any) (*dbus.Decoder, error) {
	d, err := m.conn.Call(at, iface, member, sig, func(e *dbus.Encoder) {
		rest := sig
		for _, v := range args {
			n := dbus.TypeLen(rest)
			client.Write(e, rest[:n], v)
			rest = rest[n:]
		}
	})
	return d, translated(err)
}

// with is call with arguments that are written by a function.
func (m *Manager) with(
	member, sig string, write func(*dbus.Encoder),
) (*dbus.Decoder, error) {
	d, err := m.conn.Call(client.ManagerPath, client.Interface, member, sig, write)
	return d, translated(err)
}

// translated gives an answer that is an error as faces have it.
func translated(err error) error {
	var told *client.Error
	if errors.As(err, &told) {
		return &face.Error{Name: told.Name, Message: told.Message}
	}
	return err
}

func refused(what string) error {
	return &face.Error{Name: face.NotSupported, Message: what + " cannot be asked over D-Bus."}
}

// properties reads all of an object's, with their types, sorted by name.
func (m *Manager) properties(at string) ([]face.Property, error) {
	d, err := m.on(at, "org.freedesktop.DBus.Properties", "GetAll", "s", "")
	if err != nil {
		return nil, err
	}
	var list []face.Property
	d.Array("{sv}", func() {
		d.Struct()
		p := face.Property{Name: d.Text()}
		p.Type = d.Variant()
		p.Value = d.Value(p.Type, nil)
		list = append(list, p)
	})
	slices.SortFunc(list, func(a, b face.Property) int { return strings.Compare(a.Name, b.Name) })
	return list, d.Err()
}

func only(list []face.Property, names []string) []face.Property {
	if len(names) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(p face.Property) bool {
		return !slices.Contains(names, p.Name)
	})
}

// Info implements face.Manager.
func (m *Manager) Info(ctx context.Context) (i face.Info, err error) {
	list, err := m.ManagerProperties(ctx, nil)
	if err != nil {
		return i, err
	}
	v := map[string]any{}
	for _, p := range list {
		v[p.Name] = p.Value
	}
	number := func(n string) int { x, _ := v[n].(uint32); return int(x) }
	i.Version, _ = v["Version"].(string)
	i.SystemState, _ = v["SystemState"].(string)
	i.CgroupRoot, _ = v["ControlGroup"].(string)
	i.UnitPath, _ = v["UnitPath"].([]string)
	i.Environment, _ = v["Environment"].([]string)
	i.Units, i.Jobs, i.Failed = number("NNames"), number("NJobs"), number("NFailedUnits")
	i.Mode = "system"
	if strings.Contains(i.CgroupRoot, "/user@") {
		i.Mode = "user"
	}
	real, _ := v["UserspaceTimestamp"].(uint64)
	mono, _ := v["UserspaceTimestampMonotonic"].(uint64)
	i.Since = value.Instant{Real: real, Mono: mono}
	return i, nil
}

// ManagerProperties implements face.Show.
func (m *Manager) ManagerProperties(_ context.Context, names []string) ([]face.Property, error) {
	list, err := m.properties(client.ManagerPath)
	return only(list, names), err
}

// SetManagerProperty implements face.Show.
func (m *Manager) SetManagerProperty(_ context.Context, p face.Property) error {
	_, err := m.conn.Call(client.ManagerPath, "org.freedesktop.DBus.Properties", "Set", "ssv",
		func(e *dbus.Encoder) {
			e.Text(client.Interface)
			e.Text(p.Name)
			e.Variant(p.Type)
			client.Write(e, p.Type, p.Value)
		})
	return translated(err)
}

// SetEnvironment implements face.Show.
func (m *Manager) SetEnvironment(_ context.Context, unset, set []string) error {
	_, err := m.call("UnsetAndSetEnvironment", "asas", unset, set)
	return err
}

// Dump implements face.Show. It comes in a descriptor otherwise.
func (m *Manager) Dump(_ context.Context, patterns []string) (string, error) {
	member, sig, args := "Dump", "", []any{}
	if len(patterns) > 0 {
		member, sig, args = "DumpUnitsMatchingPatterns", "as", []any{patterns}
	}
	d, err := m.call(member, sig, args...)
	if err != nil {
		return "", err
	}
	return d.Text(), d.Err()
}

// pathOf gives the object of a unit, which is loaded if need be.
func (m *Manager) pathOf(unit string) (string, error) {
	d, err := m.call("LoadUnit", "s", unit)
	if err != nil {
		return "", err
	}
	return d.Path(), d.Err()
}

// Properties implements face.Manager.
func (m *Manager) Properties(_ context.Context, unit string) ([]face.Property, error) {
	at, err := m.pathOf(unit)
	if err != nil {
		return nil, err
	}
	return m.properties(at)
}

// UnitProperties implements face.Show.
func (m *Manager) UnitProperties(
	ctx context.Context, unit string, names []string,
) ([]face.Property, error) {
	list, err := m.Properties(ctx, unit)
	return only(list, names), err
}

// units reads a(ssssssouso).
func units(d *dbus.Decoder) ([]face.UnitInfo, error) {
	list := []face.UnitInfo{}
	d.Array("(ssssssouso)", func() {
		d.Struct()
		u := face.UnitInfo{
			Name: d.Text(), Description: d.Text(), Load: d.Text(), Active: d.Text(), Sub: d.Text(),
			Following: d.Text(),
		}
		d.Path()
		u.JobID, u.JobType = d.Uint32(), d.Text()
		d.Path()
		list = append(list, u)
	})
	return list, d.Err()
}

// Units implements face.Manager.
func (m *Manager) Units(
	_ context.Context, patterns []string, load bool,
) (list []face.UnitInfo, err error) {
	var globs, names []string
	for _, p := range patterns {
		if load && !name.IsGlob(p) {
			names = append(names, p)
		} else {
			globs = append(globs, p)
		}
	}
	add := func(d *dbus.Decoder, err error) error {
		if err != nil {
			return err
		}
		more, err := units(d)
		list = append(list, more...)
		return err
	}
	if len(globs) > 0 || len(patterns) == 0 {
		err = add(m.call("ListUnitsByPatterns", "asas", []string{}, append([]string{}, globs...)))
	}
	if len(names) > 0 && err == nil {
		err = add(m.call("ListUnitsByNames", "as", names))
	}
	slices.SortFunc(list, func(a, b face.UnitInfo) int { return strings.Compare(a.Name, b.Name) })
	list = slices.CompactFunc(list, func(a, b face.UnitInfo) bool { return a.Name == b.Name })
	return list, err
}

// Load implements face.Manager.
func (m *Manager) Load(ctx context.Context, names []string) ([]face.UnitInfo, error) {
	return m.Units(ctx, names, true)
}

// Jobs implements face.Manager.
func (m *Manager) Jobs(context.Context) ([]face.JobInfo, error) {
	d, err := m.call("ListJobs", "")
	if err != nil {
		return nil, err
	}
	var list []face.JobInfo
	d.Array("(usssoo)", func() {
		d.Struct()
		list = append(list, face.JobInfo{
			ID: d.Uint32(), Unit: d.Text(), Type: d.Text(), State: d.Text(),
		})
		d.Path()
		d.Path()
	})
	slices.SortFunc(list, func(a, b face.JobInfo) int { return int(a.ID) - int(b.ID) })
	return list, d.Err()
}

// Processes implements face.Manager.
func (m *Manager) Processes(_ context.Context, unit string) ([]face.Process, error) {
	d, err := m.call("GetUnitProcesses", "s", unit)
	if err != nil {
		return nil, err
	}
	var list []face.Process
	d.Array("(sus)", func() {
		d.Struct()
		p := face.Process{Cgroup: d.Text(), PID: int(d.Uint32()), Command: d.Text()}
		_, below, _ := strings.Cut(p.Cgroup, "/"+unit)
		p.Cgroup = strings.Trim(below, "/")
		list = append(list, p)
	})
	return list, d.Err()
}

// jobMethods are the methods that queue jobs.
var jobMethods = map[string]string{
	"start": "StartUnit", "stop": "StopUnit", "restart": "RestartUnit",
	"try-restart": "TryRestartUnit", "reload": "ReloadUnit",
	"reload-or-restart": "ReloadOrRestartUnit", "reload-or-try-restart": "ReloadOrTryRestartUnit",
}

// Enqueue implements face.Manager.
func (m *Manager) Enqueue(ctx context.Context, req face.JobRequest) (r face.JobReply, err error) {
	method, ok := jobMethods[req.Type]
	if !ok {
		return r, refused(req.Type)
	}
	if req.Wait {
		if err := m.listen(); err != nil {
			return r, err
		}
	}
	d, err := m.call(method, "ss", req.Unit, req.Mode.String())
	if err != nil {
		return r, err
	}
	id, err := strconv.ParseUint(path.Base(d.Path()), 10, 32)
	if err != nil {
		return r, err
	}
	r = face.JobReply{ID: uint32(id), Unit: req.Unit, Type: req.Type}
	if req.Queued != nil {
		req.Queued()
	}
	if req.Replied != nil {
		req.Replied(r)
	}
	if !req.Wait {
		return r, nil
	}
	r.Result, err = m.await(ctx, r.ID)
	return r, err
}

// listen has the manager tell what becomes of jobs.
func (m *Manager) listen() error {
	if m.conn.Name == "" {
		return nil // a private socket tells everything
	}
	err := m.conn.Match("type='signal',sender='" + client.Manager + "',interface='" +
		client.Interface + "',member='JobRemoved'")
	if err == nil {
		_, err = m.call("Subscribe", "")
	}
	var told *face.Error
	if errors.As(err, &told) && told.Name == "org.freedesktop.systemd1.AlreadySubscribed" {
		return nil
	}
	return err
}

// await waits until a job is over.
func (m *Manager) await(ctx context.Context, id uint32) (string, error) {
	for {
		m.mu.Lock()
		result, ok := m.ended[id]
		delete(m.ended, id)
		changed := m.changed
		m.mu.Unlock()
		if ok {
			return result, nil
		}
		select {
		case <-changed:
		case <-m.conn.Done():
			return "", errors.New("the connection has ended")
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// Kill implements face.Manager.
func (m *Manager) Kill(_ context.Context, unit, who string, sig value.Signal) error {
	_, err := m.call("KillUnit", "ssi", unit, who, int32(sig))
	return err
}

// ResetFailed implements face.Manager.
func (m *Manager) ResetFailed(ctx context.Context, patterns []string) error {
	if len(patterns) == 0 {
		_, err := m.call("ResetFailed", "")
		return err
	}
	for _, p := range patterns {
		names := []string{p}
		if name.IsGlob(p) {
			list, err := m.Units(ctx, []string{p}, false)
			if err != nil {
				return err
			}
			names = names[:0]
			for _, u := range list {
				names = append(names, u.Name)
			}
		}
		for _, n := range names {
			if _, err := m.call("ResetFailedUnit", "s", n); err != nil {
				return err
			}
		}
	}
	return nil
}

// Cancel implements face.Manager.
func (m *Manager) Cancel(_ context.Context, job uint32) error {
	_, err := m.call("CancelJob", "u", job)
	return err
}

// Reload implements face.Manager.
func (m *Manager) Reload(_ context.Context, dry bool) (r face.ReloadReport, err error) {
	if dry {
		return r, refused("What a reload would change")
	}
	_, err = m.call("Reload", "")
	return r, err
}

// Shutdown implements face.Manager.
func (m *Manager) Shutdown(_ context.Context, verb string, exitCode uint8) (err error) {
	methods := map[string]string{
		"exit": "Exit", "poweroff": "PowerOff", "reboot": "Reboot", "halt": "Halt", "kexec": "KExec",
	}
	if verb == "exit" && exitCode != 0 {
		if _, err = m.call("SetExitCode", "y", exitCode); err != nil {
			return err
		}
	}
	_, err = m.call(methods[verb], "")
	return err
}

// Plan implements face.Manager.
func (m *Manager) Plan(context.Context, face.JobRequest) ([]face.PlannedJob, error) {
	return nil, refused("What a job would bring along")
}

// Why implements face.Manager.
func (m *Manager) Why(context.Context, string) ([]face.Cause, error) {
	return nil, refused("What led to a change")
}

// Remove implements face.Manager.
func (m *Manager) Remove(context.Context, string) error { return refused("To drop a unit") }

// Subscribe implements face.Manager.
func (m *Manager) Subscribe(context.Context) (<-chan face.Event, error) {
	return nil, refused("All that happens")
}
