package rpc

import (
	"context"
	"fmt"
	"time"

	"rouse/internal/face"
	"rouse/internal/unit/name"
)

// The replies in this file have the shape that rustysd, from which rouse comes,
// gave them, so that its scripts go on working.

// listUnits gives names, as the seed did, unless parameters were given by name;
// then it gives all there is to say.
func listUnits(ctx context.Context, m face.Manager, p *params) (any, error) {
	if p.Type != "" {
		if _, ok := name.ParseType(p.Type); !ok {
			return nil, badParam{fmt.Errorf("type: %q is no type of units", p.Type)}
		}
	}
	all, err := m.Units(ctx, p.Patterns, p.Load)
	if err != nil {
		return nil, err
	}
	units, names := []face.UnitInfo{}, []string{}
	for _, u := range all {
		if p.Type == "" || name.TypeOf(u.Name).String() == p.Type {
			units = append(units, u)
			names = append(names, u.Name)
		}
	}
	if p.named {
		return units, nil
	}
	return names, nil
}

// unitStatus is one object of the reply to status. The first five are the
// seed's.
type unitStatus struct {
	Name               string
	Status             string
	Sockets            []string `json:",omitempty"` // services
	Restarted          string   `json:",omitempty"` // services: a number
	UpSince            string   `json:",omitempty"` // services: RFC 3339
	FileDescriptorname string   `json:",omitempty"` // sockets
	FileDescriptors    []string `json:",omitempty"` // sockets: what it listens on
	Description        string
	Load, Active, Sub  string
	Result             string `json:",omitempty"`
	MainPID            uint32 `json:",omitempty"`
	Job                uint32 `json:",omitempty"`

	upSince uint64
}

// status tells of one unit, or of all that are loaded.
func status(ctx context.Context, m face.Manager, p *params) (any, error) {
	names := []string{p.Unit}
	if p.Unit == "" {
		units, err := m.Units(ctx, nil, false)
		if err != nil {
			return nil, err
		}
		names = names[:0]
		for _, u := range units {
			names = append(names, u.Name)
		}
	}
	out := []unitStatus{}
	for _, n := range names {
		props, err := m.Properties(ctx, n)
		if err != nil {
			return nil, err
		}
		s := unitStatus{Name: n}
		for _, q := range props {
			s.add(q)
		}
		if s.Load == "not-found" && p.Unit != "" {
			return nil, &face.Error{Name: face.NoSuchUnit,
				Message: fmt.Sprintf("Unit %s could not be found.", n)}
		}
		s.Status = s.Active + " (" + s.Sub + ")"
		if s.upSince > 0 && s.Active == "active" && name.TypeOf(s.Name) == name.Service {
			s.UpSince = time.UnixMicro(int64(s.upSince)).UTC().Format(time.RFC3339)
		}
		out = append(out, s)
	}
	return out, nil
}

// add takes over what one property has to say. The properties belong to types of
// units, so the reply does as well.
func (s *unitStatus) add(q face.Property) {
	switch v := encode(q.Value).(type) {
	case string:
		switch q.Name {
		case "Id":
			s.Name = v
		case "Description":
			s.Description = v
		case "LoadState":
			s.Load = v
		case "ActiveState":
			s.Active = v
		case "SubState":
			s.Sub = v
		case "Result":
			s.Result = v
		case "FileDescriptorName":
			s.FileDescriptorname = v
		}
	case uint32:
		switch q.Name {
		case "MainPID":
			s.MainPID = v
		case "NRestarts":
			s.Restarted = fmt.Sprint(v)
		}
	case uint64:
		if q.Name == "ActiveEnterTimestamp" {
			s.upSince = v
		}
	case []any:
		if id, ok := first(v).(uint32); ok && q.Name == "Job" {
			s.Job = id
		}
		for _, item := range v {
			switch pair, _ := item.([]any); {
			case q.Name == "Listen" && len(pair) == 2:
				s.FileDescriptors = append(s.FileDescriptors, fmt.Sprint(pair[1]))
			case q.Name == "TriggeredBy" && name.TypeOf(fmt.Sprint(item)) == name.Socket:
				s.Sockets = append(s.Sockets, fmt.Sprint(item))
			}
		}
	}
}

// first gives the first of several values, or nil.
func first(v []any) any {
	if len(v) == 0 {
		return nil
	}
	return v[0]
}

// reloadOrNew is the seed's reload: read what is new.
func reloadOrNew(ctx context.Context, m face.Manager, p *params) (any, error) {
	r, err := m.Reload(ctx, false)
	if err != nil {
		return nil, err
	}
	return []map[string][]string{{"Added": orEmpty(r.Added), "Ignored": orEmpty(r.Removed)}}, nil
}

// reloadDry says what reload would do.
func reloadDry(ctx context.Context, m face.Manager, p *params) (any, error) {
	r, err := m.Reload(ctx, true)
	if err != nil {
		return nil, err
	}
	return []map[string][]string{{
		"Would add": orEmpty(r.Added), "Would ignore": orEmpty(r.Removed),
	}}, nil
}

func orEmpty(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
