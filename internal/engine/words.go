package engine

import "fmt"

// States and results are saved as their words: a program that knows more of them, or
// has them in another order, reads what this one has saved.

// MarshalText gives the word.
func (s ServiceState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *ServiceState) UnmarshalText(text []byte) error { return fromWord(s, ServiceStates, text) }

// MarshalText gives the word.
func (s SocketState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *SocketState) UnmarshalText(text []byte) error { return fromWord(s, SocketStates, text) }

// MarshalText gives the word.
func (s MountState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *MountState) UnmarshalText(text []byte) error { return fromWord(s, MountStates, text) }

// MarshalText gives the word.
func (s TimerState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *TimerState) UnmarshalText(text []byte) error { return fromWord(s, TimerStates, text) }

// MarshalText gives the word.
func (s ScopeState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *ScopeState) UnmarshalText(text []byte) error { return fromWord(s, ScopeStates, text) }

// MarshalText gives the word.
func (s PathState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *PathState) UnmarshalText(text []byte) error { return fromWord(s, PathStates, text) }

// MarshalText gives the word.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word.
func (r *Result) UnmarshalText(text []byte) error { return fromWord(r, Results, text) }

// fromWord finds the value with that word.
func fromWord[T interface {
	~uint8
	String() string
}](v *T, end T, text []byte) error {
	for w := T(0); w < end; w++ {
		if w.String() == string(text) {
			*v = w
			return nil
		}
	}
	return fmt.Errorf("%T: no %q is known", *v, text)
}
