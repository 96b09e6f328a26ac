package client

import (
	"fmt"
	"reflect"

	"rouse/internal/unit/directive"
	"rouse/internal/wire/dbus"
)

// Read reads a value of one complete type: a struct is []any, an array of strings
// []string, one of bytes []byte, any other []any.
func Read(d *dbus.Decoder, sig string) any {
	if sig == "" {
		return nil
	}
	switch sig[0] {
	case 's':
		return d.Text()
	case 'o':
		return d.Path()
	case 'g':
		return d.Signature()
	case 'b':
		return d.Bool()
	case 'y':
		return d.Byte()
	case 'n':
		return d.Int16()
	case 'q':
		return d.Uint16()
	case 'i':
		return d.Int32()
	case 'u', 'h':
		return d.Uint32()
	case 'x':
		return d.Int64()
	case 't':
		return d.Uint64()
	case 'd':
		return d.Double()
	case 'v':
		return Read(d, d.Variant())
	case '(', '{':
		d.Struct()
		list := []any{}
		for rest := sig[1 : len(sig)-1]; rest != ""; {
			n := dbus.TypeLen(rest)
			list = append(list, Read(d, rest[:n]))
			rest = rest[n:]
		}
		return list
	case 'a':
		return readArray(d, sig[1:])
	}
	return nil
}

func readArray(d *dbus.Decoder, elem string) any {
	switch elem {
	case "s", "o":
		list := []string{}
		d.Array(elem, func() { list = append(list, Read(d, elem).(string)) })
		return list
	case "y":
		list := []byte{}
		d.Array("y", func() { list = append(list, d.Byte()) })
		return list
	}
	list := []any{}
	d.Array(elem, func() { list = append(list, Read(d, elem)) })
	return list
}

// Write writes a value of one complete type, as Read gives it. One that is of another
// type is a mistake of the caller's.
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
