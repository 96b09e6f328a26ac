package dbus

import (
	"fmt"
	"reflect"

	"rouse/internal/wire/dbus"
)

// write writes a value of one complete type. What does not fit is a mistake of ours,
// and becomes a zero.
func write(e *dbus.Encoder, sig string, v any) {
	switch sig {
	case "s", "o":
		s, _ := v.(string)
		if s == "" && v != nil {
			s = reflect.ValueOf(v).String()
		}
		if sig == "o" && s == "" {
			s = "/"
		}
		e.Text(plain(s))
	case "g":
		s, _ := v.(string)
		e.Signature(s)
	case "b":
		b, _ := v.(bool)
		e.Bool(b)
	case "as", "ao":
		if list, ok := v.([]string); ok {
			e.Array("s", func() {
				for _, s := range list {
					e.Text(plain(s))
				}
			})
			return
		}
		writeArray(e, sig[1:], v)
	case "y":
		e.Byte(byte(number(v)))
	case "n", "q":
		e.Uint16(uint16(number(v)))
	case "i", "u", "h":
		e.Uint32(uint32(number(v)))
	case "x", "t":
		e.Uint64(number(v))
	case "d":
		f, _ := v.(float64)
		e.Double(f)
	case "v":
		writeVariant(e, v)
	default:
		writeContainer(e, sig, v)
	}
}

// Variant is a value that carries its type along.
type Variant struct {
	Type  string
	Value any
}

func writeVariant(e *dbus.Encoder, v any) {
	inner, ok := v.(Variant)
	if !ok {
		inner = Variant{Type: "s", Value: fmt.Sprint(v)}
	}
	e.Variant(inner.Type)
	write(e, inner.Type, inner.Value)
}

func writeContainer(e *dbus.Encoder, sig string, v any) {
	switch sig[0] {
	case 'a':
		writeArray(e, sig[1:], v)
	case '(', '{':
		e.Struct()
		members, _ := v.([]any)
		if members == nil {
			members = elements(v)
		}
		rest, i := sig[1:len(sig)-1], 0
		for rest != "" {
			n := dbus.TypeLen(rest)
			var member any
			if i < len(members) {
				member = members[i]
			}
			write(e, rest[:n], member)
			rest, i = rest[n:], i+1
		}
	}
}

func writeArray(e *dbus.Encoder, elem string, v any) {
	e.Array(elem, func() {
		switch list := v.(type) {
		case nil:
		case []any:
			for _, m := range list {
				write(e, elem, m)
			}
		case []byte:
			for _, b := range list {
				e.Byte(b)
			}
		default:
			for _, m := range elements(v) {
				write(e, elem, m)
			}
		}
	})
}

// elements are the members of a slice, an array or a structure of whatever type.
func elements(v any) (list []any) {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range rv.Len() {
			list = append(list, rv.Index(i).Interface())
		}
	case reflect.Struct:
		for i := range rv.NumField() {
			list = append(list, rv.Field(i).Interface())
		}
	}
	return list
}

// number is the bits of a whole number of whatever type.
func number(v any) uint64 {
	switch n := v.(type) {
	case uint64:
		return n
	case uint32:
		return uint64(n)
	case int32:
		return uint64(n)
	case int64:
		return uint64(n)
	case byte:
		return uint64(n)
	case bool:
		if n {
			return 1
		}
		return 0
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.CanInt():
		return uint64(rv.Int())
	case rv.CanUint():
		return rv.Uint()
	}
	return 0
}

// readValue reads a value of one complete type, in the form that Property has it.
func readValue(d *dbus.Decoder, sig string) any {
	return d.Value(sig, func(sig string, v any) any { return Variant{Type: sig, Value: v} })
}
