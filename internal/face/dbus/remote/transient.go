package remote

import (
	"context"

	"rouse/internal/face"
	"rouse/internal/face/dbus/client"
	"rouse/internal/wire/dbus"
)

// settings are properties as a(sv) is written.
func settings(list []face.Property) []client.Setting {
	out := make([]client.Setting, 0, len(list))
	for _, p := range list {
		out = append(out, client.Setting(p))
	}
	return out
}

// SetProperties implements face.Transient.
func (m *Manager) SetProperties(
	_ context.Context, unit string, runtime bool, list []face.Property,
) error {
	_, err := m.with("SetUnitProperties", "sba(sv)", func(e *dbus.Encoder) {
		e.Text(unit)
		e.Bool(runtime)
		client.WriteSettings(e, settings(list))
	})
	return err
}

// Clean implements face.Transient.
func (m *Manager) Clean(_ context.Context, unit string, what []string) error {
	_, err := m.call("CleanUnit", "sas", unit, append([]string{}, what...))
	return err
}

// Freeze implements face.Transient.
func (m *Manager) Freeze(_ context.Context, unit string) error {
	_, err := m.call("FreezeUnit", "s", unit)
	return err
}

// Thaw implements face.Transient.
func (m *Manager) Thaw(_ context.Context, unit string) error {
	_, err := m.call("ThawUnit", "s", unit)
	return err
}

// BindMount implements face.Transient.
func (m *Manager) BindMount(_ context.Context, r face.MountRequest) (err error) {
	if !r.Image {
		_, err = m.call("BindMountUnit", "sssbb", r.Unit, r.Source, r.Destination, r.ReadOnly,
			r.MakeDirectory)
		return err
	}
	options := []any{}
	for _, o := range r.Options {
		options = append(options, []any{o[0], o[1]})
	}
	_, err = m.call("MountImageUnit", "sssbba(ss)", r.Unit, r.Source, r.Destination, r.ReadOnly,
		r.MakeDirectory, options)
	return err
}
