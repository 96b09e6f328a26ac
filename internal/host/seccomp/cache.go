package seccomp

import (
	"encoding/binary"
	"runtime"
	"slices"
	"sync"

	"rouse/internal/unit"
)

// A Cache keeps programs for this machine, so that a policy costs its program once and
// not at each start. The zero value is empty. It may be used from any goroutine.
type Cache struct {
	mu       sync.Mutex
	programs map[string][]byte
}

// cached is how many programs are kept. A machine rarely has as many units with
// filters; then those that are in use come back soon.
const cached = 512

// Program is the policy's program, which nobody may change.
func (c *Cache) Program(p *Policy) ([]byte, error) {
	key := p.key(make([]byte, 0, 4096))
	c.mu.Lock()
	defer c.mu.Unlock()
	if text, ok := c.programs[string(key)]; ok {
		return text, nil
	}
	text, err := p.Program(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	if c.programs == nil || len(c.programs) >= cached {
		c.programs = map[string][]byte{}
	}
	text = slices.Clip(text)
	c.programs[string(key)] = text
	return text, nil
}

// key appends what is the same for the same policies alone.
func (p *Policy) key(b []byte) []byte {
	b = callsKey(b, p.Calls)
	b = callsKey(b, p.Logged)
	b = wordsKey(b, p.Architectures)
	b = boolKey(b, p.Families.Allow)
	b = wordsKey(b, p.Families.Names)
	for _, on := range [...]bool{
		p.NoWriteExecute, p.NoRealtime, p.NoSetID, p.NoClock, p.NoHostname, p.NoKernelLogs,
		p.NoModules, p.NoRawIO, p.NoTunables, p.FixedPersonality,
	} {
		b = boolKey(b, on)
	}
	b = binary.AppendUvarint(b, p.Namespaces)
	b = binary.AppendUvarint(b, uint64(p.Personality))
	return binary.AppendVarint(b, int64(p.Error))
}

func boolKey(b []byte, on bool) []byte {
	if on {
		return append(b, 1)
	}
	return append(b, 0)
}

func wordKey(b []byte, word string) []byte {
	b = binary.AppendUvarint(b, uint64(len(word)))
	return append(b, word...)
}

func wordsKey(b []byte, words []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(words)))
	for _, w := range words {
		b = wordKey(b, w)
	}
	return b
}

func callsKey(b []byte, f unit.CallFilter) []byte {
	b = boolKey(boolKey(b, f.Set), f.Allow)
	b = binary.AppendUvarint(b, uint64(len(f.Calls)))
	for i := range f.Calls {
		b = wordKey(b, f.Calls[i].Name)
		b = binary.AppendVarint(b, int64(f.Calls[i].Errno))
	}
	return b
}
