package client

import (
	"fmt"
	"reflect"

	"rouse/internal/unit/directive"
	"rouse/internal/wire/dbus"
)

// Write writes a value of one complete type, as dbus.Decoder.Value gives it. One that is
// of another type is a mistake of the caller's.
func Write(e *dbus.Encoder, sig string, v any) {
	switch x := v.(type) {
	case string:
		e.Text(x)
	case bool:
		e.Bool(x)
	case byte:
		e.Byte(x)
	case int16:
		e.Int16(x)
	case uint16:
		e.Uint16(x)
	case int32:
		e.Int32(x)
	case uint32:
		e.Uint32(x)
	case int64:
		e.Int64(x)
	case uint64:
		e.Uint64(x)
	case float64:
		e.Double(x)
	default:
		writeMany(e, sig, v)
	}
}

func writeMany(e *dbus.Encoder, sig string, v any) {
	list := reflect.ValueOf(v)
	if sig == "" || list.Kind() != reflect.Slice {
		panic(fmt.Sprintf("a value of type %T for %q", v, sig))
	}
	if sig[0] == 'a' {
		e.Array(sig[1:], func() {
			for i := range list.Len() {
				Write(e, sig[1:], list.Index(i).Interface())
			}
		})
		return
	}
	e.Struct()
	rest := sig[1 : len(sig)-1]
	for i := range list.Len() {
		n := dbus.TypeLen(rest)
		Write(e, rest[:n], list.Index(i).Interface())
		rest = rest[n:]
	}
}

// Setting is a property to be set.
type Setting = directive.Property

// WriteSettings writes a(sv).
func WriteSettings(e *dbus.Encoder, list []Setting) {
	e.Array("(sv)", func() {
		for _, s := range list {
			e.Struct()
			e.Text(s.Name)
			e.Variant(s.Type)
			Write(e, s.Type, s.Value)
		}
	})
}

// Unit is a unit that is to be made, with its settings.
type Unit struct {
	Name     string
	Settings []Setting
}

// WriteUnits writes a(sa(sv)).
func WriteUnits(e *dbus.Encoder, list []Unit) {
	e.Array("(sa(sv))", func() {
		for _, u := range list {
			e.Struct()
			e.Text(u.Name)
			WriteSettings(e, u.Settings)
		}
	})
}
