package engine

import "rouse/internal/unit/value"

// Cause is one link in the chain of what led to what. It is not changed once made.
type Cause struct {
	At   value.Instant `json:",omitzero"`
	Unit string        `json:",omitzero"`
	What string        `json:",omitzero"` // "activating/start -> failed/failed, result exit-code"
	Why  string        `json:",omitzero"` // "main process 312 exited, status 1"; may be empty
	From *Cause        `json:",omitzero"` // what led to it
}

// longestChain bounds how far back a chain of causes is kept.
const longestChain = 12

// trim returns the cause with at most longestChain links.
func (c *Cause) trim() *Cause {
	n := 0
	for k := c; k != nil; k = k.From {
		if n++; n > longestChain {
			break
		}
	}
	if n <= longestChain {
		return c
	}
	var head *Cause
	at := &head
	for k := c; n > 1; k, n = k.From, n-1 {
		link := *k
		link.From = nil
		*at = &link
		at = &link.From
	}
	return head
}

// Why gives the chain of causes of the unit's last change, nearest first.
func (e *Engine) Why(unit string) []Cause {
	u := e.unit(unit)
	if u == nil {
		return nil
	}
	var chain []Cause
	for c := u.cause; c != nil; c = c.From {
		chain = append(chain, *c)
	}
	return chain
}
