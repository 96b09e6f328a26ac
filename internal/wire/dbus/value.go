package dbus

// Value reads a value of one complete type of a message that was checked: a struct is
// []any, an array of strings or paths []string, one of bytes []byte, any other []any.
// variant makes what becomes of a variant; nil takes what is in it.
func (d *Decoder) Value(sig string, variant func(sig string, v any) any) any {
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
		sig := d.Variant()
		v := d.Value(sig, variant)
		if sig == "" || variant == nil {
			return v
		}
		return variant(sig, v)
	case '(', '{':
		d.Struct()
		list := []any{}
		for rest := sig[1 : len(sig)-1]; rest != ""; {
			n := TypeLen(rest)
			list = append(list, d.Value(rest[:n], variant))
			rest = rest[n:]
		}
		return list
	case 'a':
		return d.arrayValue(sig[1:], variant)
	}
	return nil
}

func (d *Decoder) arrayValue(elem string, variant func(string, any) any) any {
	switch elem {
	case "s", "o":
		list := []string{}
		d.Array(elem, func() { list = append(list, d.Value(elem, nil).(string)) })
		return list
	case "y":
		list := []byte{}
		d.Array(elem, func() { list = append(list, d.Byte()) })
		return list
	}
	list := []any{}
	d.Array(elem, func() { list = append(list, d.Value(elem, variant)) })
	return list
}
