package dbus

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// helloHex is the call that begins a connection, byte by byte.
const helloHex = `
	6c 01 00 01  00000000  01000000  6d000000
	01 016f00  15000000 2f6f72672f667265656465736b746f702f4442757300  0000
	02 017300  14000000 6f72672e667265656465736b746f702e4442757300  000000
	03 017300  05000000 48656c6c6f00  0000
	06 017300  14000000 6f72672e667265656465736b746f702e4442757300  000000`

var hello = Message{Type: Call, Serial: 1, Path: "/org/freedesktop/DBus",
	Interface: "org.freedesktop.DBus", Member: "Hello", Destination: "org.freedesktop.DBus",
	Order: Little}

func TestHello(t *testing.T) {
	got, err := hello.Append(nil)
	if err != nil || !bytes.Equal(got, unhex(t, helloHex)) {
		t.Errorf("got %x, %v", got, err)
	}
	m, err := Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	m.Body = nil
	if !reflect.DeepEqual(*m, hello) {
		t.Errorf("got %+v", *m)
	}
}

func TestBigEndian(t *testing.T) {
	m, err := Parse(unhex(t, `
		42 02 01 01  00000010  00000007  00000010
		05 017500 00000001
		08 0167 00 02 7574 00
		01020304 00000000 0102030405060708`))
	if err != nil {
		t.Fatal(err)
	}
	d := m.Decoder()
	if u, x := d.Uint32(), d.Uint64(); u != 0x01020304 || x != 0x0102030405060708 ||
		d.Err() != nil || d.More() || m.Serial != 7 || m.ReplySerial != 1 || m.Flags != NoReply {
		t.Errorf("got %x %x %v %+v", u, x, d.Err(), m)
	}
	if _, err := m.Append(nil); err == nil {
		t.Error("wrote a body of the other order")
	}
}

func TestValues(t *testing.T) {
	const sig = "ybnqiuxtdsogha{sv}(iv)aayat"
	var e Encoder
	e.Byte(1)
	e.Bool(true)
	e.Int16(-2)
	e.Uint16(3)
	e.Int32(-4)
	e.Uint32(5)
	e.Int64(-6)
	e.Uint64(7)
	e.Double(8.5)
	e.Text("nine")
	e.Text("/t/en")
	e.Signature("a{sv}")
	e.Uint32(0)
	e.Array("{sv}", func() {
		e.Struct()
		e.Text("key")
		e.Variant("b")
		e.Bool(false)
	})
	e.Struct()
	e.Int32(14)
	e.Variant("(s)")
	e.Struct()
	e.Text("in")
	e.Array("ay", func() {
		e.Array("y", func() { e.Byte(15); e.Byte(16) })
		e.Array("y", func() {})
	})
	e.Array("t", func() {})
	m := Message{Type: Signal, Serial: 9, Path: "/", Interface: "a.b", Member: "C",
		Signature: sig, Body: e.Bytes(), FDs: 1}
	b, err := m.Append([]byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b[len("before"):])
	if err != nil {
		t.Fatal(err)
	}
	d := got.Decoder()
	var list []any
	add := func(v ...any) { list = append(list, v...) }
	add(d.Byte(), d.Bool(), d.Int16(), d.Uint16(), d.Int32(), d.Uint32(), d.Int64(), d.Uint64(),
		d.Double(), d.Text(), d.Path(), d.Signature(), d.Uint32())
	d.Array("{sv}", func() { d.Struct(); add(d.Text(), d.Variant(), d.Bool()) })
	d.Struct()
	add(d.Int32(), d.Variant())
	d.Struct()
	add(d.Text())
	d.Array("ay", func() { add("["); d.Array("y", func() { add(d.Byte()) }); add("]") })
	d.Array("t", func() { add(d.Uint64()) })
	want := []any{byte(1), true, int16(-2), uint16(3), int32(-4), uint32(5), int64(-6), uint64(7),
		8.5, "nine", "/t/en", "a{sv}", uint32(0), "key", "b", false, int32(14), "(s)", "in",
		"[", byte(15), byte(16), "]", "[", "]"}
	if !reflect.DeepEqual(list, want) || d.Err() != nil || d.More() || got.FDs != 1 {
		t.Errorf("got %v, %v", list, d.Err())
	}
	if d.Uint32(); d.Err() == nil {
		t.Error("read beyond the end")
	}
}

func TestBodies(t *testing.T) {
	for _, test := range []struct{ sig, body, fault string }{
		{"", "", ""},
		{"", "00", "after the last value"},
		{"b", "02000000", "truth of 2"},
		{"b", "0100", "ends too early"},
		{"yu", "01 010000 00000000", "padding"},
		{"s", "02000000 616200", ""},
		{"s", "02000000 616262", "without a zero"},
		{"s", "02000000 610000", "zero inside"},
		{"s", "02000000 61ff00", "UTF-8"},
		{"s", "ffffffff 6100", "string of"},
		{"s", "ffffff07 6100", "ends too early"},
		{"o", "02000000 2f2f00", "object path"},
		{"o", "00000000 00", "object path"},
		{"g", "01 61 00", "ends where a type should be"},
		{"v", "01 79 00 07", ""},
		{"v", "02 7979 00 07", "want one type"},
		{"v", "00 00", "want one type"},
		{"ay", "01000004", "longer than"},
		{"ay", "00000004", "ends too early"},
		{"an", "03000000 010203", "elements are of 2"},
		{"at", "00000000", "ends too early"}, // the padding is there even so
		{"at", "00000000 00000000", ""},
		{"as", "05000000 0000000000", ""},
		{"as", "04000000 0000000000", "ends too early"},
		{"(", "", "without an end"},
	} {
		m := Message{Type: Signal, Serial: 1, Path: "/", Interface: "a.b", Member: "C",
			Signature: test.sig, Body: unhex(t, test.body)}
		_, err := m.Append(nil)
		switch {
		case test.fault == "" && err != nil:
			t.Errorf("%q %s: %v", test.sig, test.body, err)
		case test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)):
			t.Errorf("%q %s: got %v, want %s", test.sig, test.body, err, test.fault)
		}
	}
}

// Variants in variants are no deeper than 64 containers.
func TestNesting(t *testing.T) {
	for _, test := range []struct {
		depth int
		ok    bool
	}{{1, true}, {64, true}, {65, false}, {10000, false}} {
		var e Encoder
		for range test.depth - 1 {
			e.Variant("v")
		}
		e.Variant("y")
		e.Byte(0)
		d := NewDecoder(e.Bytes(), Little)
		d.Skip("v")
		if (d.Err() == nil) != test.ok {
			t.Errorf("%d variants: %v", test.depth, d.Err())
		}
	}
}

func TestSignatures(t *testing.T) {
	deep := func(n int, begin, end string) string {
		return strings.Repeat(begin, n) + "y" + strings.Repeat(end, n)
	}
	for sig, ok := range map[string]bool{
		"": true, "ybnqiuxtdsogvh": true, "a{s(iv)}": true, "aas": true, "((y)(y))": true,
		"a": false, "()": false, "(": false, ")": false, "(y": false, "{sv}": false, "a{sv": false,
		"a{s}": false, "a{vs}": false, "a{syy}": false, "a{": false, "(y}": false, "z": false,
		"a{(y)s}": false, "e": false, "r": false, "y\x00": false, "a{\x00y}": false,
		deep(32, "a", ""): true, deep(33, "a", ""): false,
		deep(32, "(", ")"): true, deep(33, "(", ")"): false,
		deep(32, "a{s", "}"): true, deep(33, "a{s", "}"): false,
		deep(32, "a(", ")"):      true,
		strings.Repeat("y", 255): true, strings.Repeat("y", 256): false,
	} {
		if err := CheckSignature(sig); (err == nil) != ok {
			t.Errorf("%q: %v", sig, err)
		}
	}
	for sig, ok := range map[string]bool{"": false, "y": true, "yy": false, "a{sv}": true} {
		if IsType(sig) != ok {
			t.Errorf("IsType(%q) is %v", sig, !ok)
		}
	}
}

func TestNames(t *testing.T) {
	long := "a." + strings.Repeat("b", 253)
	for _, test := range []struct {
		kind string
		is   func(string) bool
		good []string
		bad  []string
	}{
		{"path", IsPath, []string{"/", "/a", "/a/_1/B9", "/" + long[2:] + "/" + long[2:]},
			[]string{"", "a", "//", "/a/", "/a//b", "/a-b", "/a.b", "/é"}},
		{"bus name", IsBusName, []string{"a.b", "org.x-y._z", ":1.42", ":a.b", long},
			[]string{"", "a", ".a.b", "a..b", "a.b.", "a.1", ":", ":1", ":1.", "a.b c", long + "c"}},
		{"interface", IsInterface, []string{"a.b", "a_b.C9", long},
			[]string{"", "a", "a.9", "a-b.c", ":1.2", "a.", long + "c"}},
		{"member", IsMember, []string{"A", "_a9", long[2:]},
			[]string{"", "a.b", "9", "a-b", long[2:] + "abc"}},
	} {
		for _, s := range test.good {
			if !test.is(s) {
				t.Errorf("%q is no %s", s, test.kind)
			}
		}
		for _, s := range test.bad {
			if test.is(s) {
				t.Errorf("%q is a %s", s, test.kind)
			}
		}
	}
}

// Each byte of a valid message that may not be otherwise.
func TestBadMessages(t *testing.T) {
	good := unhex(t, helloHex)
	for _, test := range []struct {
		what  string
		at    int
		value byte
		fault string
	}{
		{"byte order", 0, 'x', "byte order"},
		{"type", 1, 0, "no type"},
		{"type without its fields", 1, byte(Return), "must have"},
		{"version", 3, 2, "protocol version"},
		{"body", 4, 1, "says it has"},
		{"long body", 7, 8, "longer than"},
		{"serial", 8, 0, "without a serial"},
		{"long fields", 15, 5, "longer than"},
		{"field 0", 16, 0, "header field 0"},
		{"field of another type", 16, 5, "of type"},
		{"unknown field", 16, 77, "must have"},
		{"field twice", 48, 1, "comes twice"},
		{"path", 24, 'x', "object path"},
		{"interface", 59, ' ', "is not valid"},
	} {
		b := bytes.Clone(good)
		b[test.at] = test.value
		if m, err := Parse(b); err == nil || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: got %+v, %v; want %s", test.what, m, err, test.fault)
		}
	}
	for n := range good {
		if _, err := Parse(good[:n]); err == nil {
			t.Errorf("took %d bytes of %d", n, len(good))
		}
	}
}

func TestSize(t *testing.T) {
	first := func(body, fields uint32) []byte {
		b := []byte{'l', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}
		binary.LittleEndian.PutUint32(b[4:], body)
		binary.LittleEndian.PutUint32(b[12:], fields)
		return b
	}
	for _, test := range []struct {
		body, fields uint32
		total        int
	}{
		{0, 0, 16}, {3, 1, 27}, {MaxMessage - 16, 0, MaxMessage}, {MaxMessage - 15, 0, 0},
		{MaxArray - 16, MaxArray, MaxMessage}, {0, MaxArray + 1, 0}, {1<<32 - 1, 1<<32 - 1, 0},
	} {
		_, total, err := Size(first(test.body, test.fields))
		if total != test.total || (err == nil) != (test.total > 0) {
			t.Errorf("%+v: got %d, %v", test, total, err)
		}
	}
}

// What can be read is written the same.
func FuzzParse(f *testing.F) {
	f.Add(unhex(f, helloHex))
	var e Encoder
	e.Array("{sv}", func() {
		e.Struct()
		e.Text("k")
		e.Variant("ai")
		e.Array("i", func() { e.Int32(1) })
	})
	m := Message{Type: Error, Serial: 2, ReplySerial: 1, ErrorName: "a.b", Sender: ":1.2",
		Signature: "a{sv}", Body: e.Bytes()}
	b, err := m.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("B\x03\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		if m.Order == Big {
			return
		}
		out, err := m.Append(nil)
		if err != nil {
			t.Fatalf("read %+v, but: %v", m, err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("wrote %x, but: %v", out, err)
		}
		if !reflect.DeepEqual(m, again) {
			t.Fatalf("read %+v, then %+v", m, again)
		}
	})
}

// FuzzSkip is about bodies alone, of any signature.
func FuzzSkip(f *testing.F) {
	f.Add("a{sv}", []byte{8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'y', 0}, false)
	f.Add("v", []byte("\x01v\x00\x01v\x00\x01y\x00\x00"), true)
	f.Fuzz(func(t *testing.T, sig string, body []byte, big bool) {
		order := Little
		if big {
			order = Big
		}
		d := NewDecoder(body, order)
		d.Skip(sig)
		if d.Err() == nil && CheckSignature(sig) != nil {
			t.Fatalf("skipped values of %q", sig)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	m := hello
	m.Signature, m.Body = "s", []byte("\x04\x00\x00\x00name\x00")
	wire, err := m.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(wire); err != nil {
			b.Fatal(err)
		}
	}
}
