package condition

import (
	"fmt"
	"strings"
)

// order is an operator that compares.
type order string

// orders are the operators, each before those it begins with.
var orders = []order{"<=", "<>", "<", ">=", ">", "==", "=", "!="}

// cutOrder takes an operator off the front.
func cutOrder(s string) (o order, rest string, ok bool) {
	for _, o := range orders {
		if rest, ok := strings.CutPrefix(s, string(o)); ok {
			return o, rest, true
		}
	}
	return "", s, false
}

// holds reports whether the operator holds of two values whose comparison gave
// less than, more than or just 0.
func (o order) holds(compared int) bool {
	switch o {
	case "<":
		return compared < 0
	case "<=":
		return compared <= 0
	case "=", "==":
		return compared == 0
	case "!=", "<>":
		return compared != 0
	case ">=":
		return compared >= 0
	case ">":
		return compared > 0
	}
	return false
}

// isEquality reports whether the operator is about being the same or not.
func (o order) isEquality() bool { return o == "=" || o == "==" || o == "!=" || o == "<>" }

// atLeast tests a number against "OPERATOR number"; without operator it is >=.
func atLeast(param string, have uint64, parse func(string) (uint64, error)) (bool, error) {
	o, rest, ok := cutOrder(param)
	if !ok {
		o = ">="
	}
	want, err := parse(strings.TrimLeft(rest, " \t"))
	if err != nil {
		return false, fmt.Errorf("%w: %w", errSyntax, err)
	}
	switch {
	case have < want:
		return o.holds(-1), nil
	case have > want:
		return o.holds(1), nil
	}
	return o.holds(0), nil
}
