package rpc

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"rouse/internal/face"
)

// wireProperty is face.Property on the wire, where bytes are numbers, structs
// arrays and dictionaries arrays of pairs.
type wireProperty struct {
	Name, Type string
	Value      any
}

// encode brings a value into the one form that it has on the wire and after
// decoding: basic types as they are, every array and struct as []any.
func encode(v any) any {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Slice, reflect.Array:
		out := make([]any, rv.Len())
		for i := range out {
			out[i] = encode(rv.Index(i).Interface())
		}
		return out
	case reflect.String:
		return rv.String()
	case reflect.Bool:
		return rv.Bool()
	case reflect.Uint8:
		return uint8(rv.Uint())
	case reflect.Uint32:
		return uint32(rv.Uint())
	case reflect.Uint, reflect.Uint64:
		return rv.Uint()
	case reflect.Int32:
		return int32(rv.Int())
	case reflect.Int, reflect.Int64:
		return rv.Int()
	default:
		return v
	}
}

// DecodeProperty reads the value of a property from its form on the wire, by the
// signature. Arrays of strings become
// []string, arrays of bytes []byte, other arrays and structs []any.
func DecodeProperty(name, sig string, raw json.RawMessage) (face.Property, error) {
	v, rest, err := decodeValue(sig, raw)
	if err == nil && rest != "" {
		err = fmt.Errorf("signature %q: more than one type", sig)
	}
	if err != nil {
		return face.Property{}, fmt.Errorf("property %s: %w", name, err)
	}
	return face.Property{Name: name, Type: sig, Value: v}, nil
}

// decodeValue decodes a value of the first type of a signature and gives the rest
// of the signature.
func decodeValue(sig string, raw json.RawMessage) (v any, rest string, err error) {
	if sig == "" {
		return nil, "", fmt.Errorf("signature too short")
	}
	switch sig[0] {
	case 'a':
		return decodeArray(sig[1:], raw)
	case '(':
		return decodeStruct(sig[1:], ')', raw)
	case '{':
		return decodeStruct(sig[1:], '}', raw)
	}
	v, err = decodeBasic(sig[0], raw)
	return v, sig[1:], err
}

func decodeArray(elem string, raw json.RawMessage) (any, string, error) {
	rest, err := skipType(elem)
	if err != nil {
		return nil, "", err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, "", err
	}
	strs, bytes, anys := []string{}, []byte{}, []any{}
	for _, item := range items {
		v, _, err := decodeValue(elem, item)
		if err != nil {
			return nil, "", err
		}
		switch v := v.(type) {
		case string:
			strs = append(strs, v)
		case uint8:
			bytes = append(bytes, v)
		}
		anys = append(anys, v)
	}
	switch elem[0] {
	case 's', 'o', 'g':
		return strs, rest, nil
	case 'y':
		return bytes, rest, nil
	}
	return anys, rest, nil
}

func decodeStruct(sig string, end byte, raw json.RawMessage) (any, string, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, "", err
	}
	out := []any{}
	for sig != "" && sig[0] != end {
		if len(items) == 0 {
			return nil, "", fmt.Errorf("struct too short")
		}
		v, rest, err := decodeValue(sig, items[0])
		if err != nil {
			return nil, "", err
		}
		out = append(out, v)
		sig, items = rest, items[1:]
	}
	if sig == "" || len(items) > 0 {
		return nil, "", fmt.Errorf("struct does not fit its signature")
	}
	return out, sig[1:], nil
}

func decodeBasic(t byte, raw json.RawMessage) (any, error) {
	text := strings.TrimSpace(string(raw))
	switch t {
	case 's', 'o', 'g':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case 'b':
		var b bool
		err := json.Unmarshal(raw, &b)
		return b, err
	case 'd':
		return strconv.ParseFloat(text, 64)
	case 'y':
		n, err := strconv.ParseUint(text, 10, 8)
		return uint8(n), err
	case 'n':
		n, err := strconv.ParseInt(text, 10, 16)
		return int16(n), err
	case 'q':
		n, err := strconv.ParseUint(text, 10, 16)
		return uint16(n), err
	case 'i':
		n, err := strconv.ParseInt(text, 10, 32)
		return int32(n), err
	case 'u', 'h':
		n, err := strconv.ParseUint(text, 10, 32)
		return uint32(n), err
	case 'x':
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err
	case 't':
		return strconv.ParseUint(text, 10, 64)
	}
	return nil, fmt.Errorf("type %q: not known", t)
}

// skipType gives what follows the first type of a signature.
func skipType(sig string) (string, error) {
	depth := 0
	for i := range len(sig) {
		switch sig[i] {
		case 'a':
			continue
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		}
		if depth < 0 {
			break
		}
		if depth == 0 {
			return sig[i+1:], nil
		}
	}
	return "", fmt.Errorf("signature %q: incomplete", sig)
}
