package bpf

import (
	"encoding/binary"
	"testing"
)

// made is what a kernel with a few types would tell of them.
func made() []byte {
	var words []uint32
	names := "\x00file\x00f_inode\x00f_flags\x00lsm_open\x00deep\x00"
	const file, inode, flags, open, deep = 1, 6, 14, 22, 31
	add := func(list ...uint32) { words = append(words, list...) }
	kind := func(kind, parts uint32) uint32 { return kind<<24 | parts }
	add(0, kind(1, 0), 4, 32)                     // 1: a number
	add(0, kind(5, 1), 8, deep, 1, 32)            // 2: a union without a name
	add(file, kind(7, 0), 0)                      // 3: the structure, declared
	add(file, 1<<31|kind(4, 3), 16, inode, 1, 64, // 4: and defined
		flags, 1, 8<<24|96, 0, 2, 128) // the second member has eight bits
	add(open, kind(12, 0), 1)      // 5: a function
	add(0, kind(6, 1), 4, deep, 7) // 6: an enumeration
	text := make([]byte, 24)
	o := binary.NativeEndian
	o.PutUint16(text, 0xeb9f)
	text[2] = 1
	o.PutUint32(text[4:], 24)
	o.PutUint32(text[12:], uint32(4*len(words)))
	o.PutUint32(text[16:], uint32(4*len(words)))
	o.PutUint32(text[20:], uint32(len(names)))
	for _, w := range words {
		text = o.AppendUint32(text, w)
	}
	return append(text, names...)
}

func TestFind(t *testing.T) {
	id, at, err := find(made(), "lsm_open",
		[]Member{{"file", "f_inode"}, {"file", "f_flags"}, {"file", "deep"}})
	if err != nil || id != 5 || at[0] != 8 || at[1] != 12 || at[2] != 20 {
		t.Error(id, at, err)
	}
	for _, c := range []struct {
		function string
		member   Member
		want     string
	}{
		{"file", Member{"file", "f_inode"}, "no function file"},
		{"lsm_open", Member{"inode", "f_inode"}, "no f_inode in a structure inode"},
		{"lsm_open", Member{"file", "f_ino"}, "no f_ino in a structure file"},
	} {
		_, _, err := find(made(), c.function, []Member{c.member})
		if err == nil || err.Error() != c.want {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// What makes no sense is no harm.
func FuzzFind(f *testing.F) {
	whole := made()
	for n := range whole {
		f.Add(whole[:n])
		broken := append([]byte(nil), whole...)
		broken[n] ^= 0xff
		f.Add(broken)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		find(text, "lsm_open", []Member{{"file", "f_inode"}, {"file", "deep"}})
	})
}
