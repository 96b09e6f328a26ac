package rpc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzFramer checks that the framer gives every byte that is not white space once
// and in order, never more than it may, and that values that are JSON come out as
// they went in.
func FuzzFramer(f *testing.F) {
	for _, s := range []string{
		"", " ", `{"a":[1,"}\"]"]}`, "[]{}", "1 2", `"x"`, "{]", "[[[", `{"a":"\`, "}{", "nul",
		`{"jsonrpc":"2.0","id":1,"method":"list-units"}` + "\n",
		`[{"jsonrpc":"2.0","method":"a"},1]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 64
		fr := &framer{r: bufio.NewReader(bytes.NewReader(in)), max: limit}
		var out []byte
		for {
			v, err := fr.next()
			out = append(out, v...)
			if len(v) > limit {
				t.Fatalf("value of %d bytes", len(v))
			}
			if errors.Is(err, errTooLong) {
				return
			}
			if err != nil {
				if err != io.EOF && err != errCut {
					t.Fatal(err)
				}
				break
			}
			if len(v) == 0 {
				t.Fatal("empty value")
			}
		}
		strip := func(b []byte) string { return strings.Join(strings.Fields(string(b)), "") }
		if isASCII(in) && strip(out) != strip(in) {
			t.Errorf("%q came out as %q", in, out)
		}
		if json.Valid(in) && len(in) <= limit && strings.ContainsAny(string(in[:1]), "{[") {
			if got := string(bytes.TrimSpace(in)); got != string(out) {
				t.Errorf("%q came out as %q", in, out)
			}
		}
	})
}

// isASCII keeps the comparison to text in which white space is what JSON calls so.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 || c == '\v' || c == '\f' {
			return false
		}
	}
	return true
}

// FuzzRequest checks that any request gets a method and parameters or an error
// with a code.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"list-units","params":{"patterns":["a"],"load":true}}`,
		`{"jsonrpc":"2.0","method":"start","params":["a.service","fail",false]}`,
		`{"jsonrpc":"2.0","id":"x","method":"kill","params":{"unit":"a","signal":9}}`,
		`{"jsonrpc":"2.0","id":[],"method":"info"}`, `{}`, `null`, `1`, `""`,
		`{"jsonrpc":"2.0","method":"enable","params":"a"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if !json.Valid(in) {
			return
		}
		req, fault := parseRequest(in)
		switch {
		case fault != nil && fault.Code == 0:
			t.Errorf("%q: an error without a code", in)
		case fault == nil && req.method == nil:
			t.Errorf("%q: no error and no method", in)
		case fault == nil:
			req.params.mode()
			req.params.signal()
		}
		if req.id != nil && !json.Valid(req.id) {
			t.Errorf("%q: id %q", in, req.id)
		}
	})
}

// FuzzProperty checks that what was decoded is encoded to the same again.
func FuzzProperty(f *testing.F) {
	for _, s := range [][2]string{
		{"s", `"x"`}, {"b", `true`}, {"t", `18446744073709551615`}, {"as", `["a"]`}, {"ay", `[1,255]`},
		{"a(sasbttttuii)", `[["a",["b"],true,1,2,3,4,5,6,7]]`}, {"(aiai)", `[[1],[]]`}, {"", `1`},
		{"a{ss}", `[["k","v"]]`}, {"a", `[]`}, {"(s", `["a"]`}, {"((", `[[`}, {"d", `0.5`},
		{"aay", `[[1]]`},
	} {
		f.Add(s[0], []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, sig string, raw []byte) {
		if len(sig) > 255 {
			return // no longer signature can go over the bus
		}
		p, err := DecodeProperty("P", sig, raw)
		if err != nil {
			return
		}
		text, err := json.Marshal(encode(p.Value))
		if err != nil {
			return // NaN
		}
		q, err := DecodeProperty("P", sig, text)
		if err != nil {
			t.Fatalf("%s %s became %s: %v", sig, raw, text, err)
		}
		again, _ := json.Marshal(encode(q.Value))
		if !bytes.Equal(text, again) {
			t.Errorf("%s %s: %s, then %s", sig, raw, text, again)
		}
	})
}
