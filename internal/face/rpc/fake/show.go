package fake

import (
	"context"
	"slices"
	"strings"

	"rouse/internal/face"
)

// UnitProperties implements face.Show.
func (m *Manager) UnitProperties(
	ctx context.Context, unit string, names []string,
) ([]face.Property, error) {
	all, err := m.Properties(ctx, unit)
	return slices.DeleteFunc(slices.Clone(all), func(p face.Property) bool {
		return !slices.Contains(names, p.Name)
	}), err
}

// ManagerProperties implements face.Show.
func (m *Manager) ManagerProperties(_ context.Context, names []string) ([]face.Property, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.About
	all := append([]face.Property{
		{Name: "ControlGroup", Type: "s", Value: strings.TrimSuffix(i.CgroupRoot, "/")},
		{Name: "Environment", Type: "as", Value: append([]string{}, i.Environment...)},
		{Name: "NFailedUnits", Type: "u", Value: uint32(i.Failed)},
		{Name: "NJobs", Type: "u", Value: uint32(i.Jobs)},
		{Name: "NNames", Type: "u", Value: uint32(i.Units)},
		{Name: "SystemState", Type: "s", Value: i.SystemState},
		{Name: "UnitPath", Type: "as", Value: append([]string{}, i.UnitPath...)},
		{Name: "UserspaceTimestamp", Type: "t", Value: i.Since.Real},
		{Name: "UserspaceTimestampMonotonic", Type: "t", Value: i.Since.Mono},
		{Name: "Version", Type: "s", Value: i.Version},
	}, m.Own...)
	return slices.DeleteFunc(all, func(p face.Property) bool {
		return len(names) > 0 && !slices.Contains(names, p.Name)
	}), nil
}

// SetManagerProperty implements face.Show.
func (m *Manager) SetManagerProperty(_ context.Context, p face.Property) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.note("set %s %v", p.Name, p.Value); err != nil {
		return err
	}
	i := slices.IndexFunc(m.Own, func(q face.Property) bool { return q.Name == p.Name })
	if i < 0 {
		return &face.Error{Name: face.PropertyReadOnly,
			Message: "Property '" + p.Name + "' is not writable."}
	}
	m.Own[i].Value = p.Value
	return nil
}

// SetEnvironment implements face.Show.
func (m *Manager) SetEnvironment(_ context.Context, unset, set []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.note("environment -%q +%q", unset, set); err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(m.About.Environment), func(a string) bool {
		name, _, _ := strings.Cut(a, "=")
		return slices.Contains(unset, name)
	})
	m.About.Environment = append(left, set...)
	return nil
}

// Dump implements face.Show.
func (m *Manager) Dump(_ context.Context, patterns []string) (string, error) {
	return "-> Unit " + strings.Join(patterns, " ") + "\n", nil
}
