package rpc

import (
	"context"
	"encoding/json"
	"fmt"

	"rouse/internal/face"
)

func managerProperties(ctx context.Context, m face.Manager, p *params) (any, error) {
	props, err := m.ManagerProperties(ctx, p.Properties)
	if err != nil {
		return nil, err
	}
	out := make([]wireProperty, len(props))
	for i, q := range props {
		out[i] = wireProperty{Name: q.Name, Type: q.Type, Value: encode(q.Value)}
	}
	return out, nil
}

// setManagerProperty takes the type of the value from what the property has now.
func setManagerProperty(ctx context.Context, m face.Manager, p *params) (any, error) {
	now, err := m.ManagerProperties(ctx, []string{p.Property})
	if err != nil {
		return nil, err
	}
	if len(now) == 0 {
		return nil, badParam{fmt.Errorf("property: there is no %q", p.Property)}
	}
	q, err := DecodeProperty(p.Property, now[0].Type, p.Value)
	if err != nil {
		return nil, badParam{err}
	}
	return empty, m.SetManagerProperty(ctx, q)
}

func setEnvironment(ctx context.Context, m face.Manager, p *params) (any, error) {
	return empty, m.SetEnvironment(ctx, p.Unset, p.Set)
}

func dump(ctx context.Context, m face.Manager, p *params) (any, error) {
	return m.Dump(ctx, p.Patterns)
}

// UnitProperties implements face.Show.
func (c *Client) UnitProperties(
	ctx context.Context, unit string, names []string,
) ([]face.Property, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return c.Show(ctx, unit, names)
}

// ManagerProperties implements face.Show.
func (c *Client) ManagerProperties(ctx context.Context, names []string) ([]face.Property, error) {
	return c.properties(ctx, "manager-properties", map[string]any{"properties": orEmpty(names)})
}

// SetManagerProperty implements face.Show.
func (c *Client) SetManagerProperty(ctx context.Context, p face.Property) error {
	v := map[string]any{"property": p.Name, "value": encode(p.Value)}
	return c.call(ctx, "set-manager-property", v, nil)
}

// SetEnvironment implements face.Show.
func (c *Client) SetEnvironment(ctx context.Context, unset, set []string) error {
	v := map[string]any{"unset": orEmpty(unset), "set": orEmpty(set)}
	return c.call(ctx, "set-environment", v, nil)
}

// Dump implements face.Show.
func (c *Client) Dump(ctx context.Context, patterns []string) (text string, err error) {
	err = c.call(ctx, "dump", map[string]any{"patterns": orEmpty(patterns)}, &text)
	return text, err
}

// properties calls a method that gives properties.
func (c *Client) properties(
	ctx context.Context, method string, p map[string]any,
) ([]face.Property, error) {
	var raw []struct {
		Name, Type string
		Value      json.RawMessage
	}
	if err := c.call(ctx, method, p, &raw); err != nil {
		return nil, err
	}
	out := make([]face.Property, 0, len(raw))
	for _, r := range raw {
		q, err := DecodeProperty(r.Name, r.Type, r.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		out = append(out, q)
	}
	return out, nil
}
