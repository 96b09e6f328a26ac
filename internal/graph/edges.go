// Package graph knows which dependencies units have without saying so, and
// which follow from a pair of units. It knows no state of units. It answers for
// the sections IMPLICIT DEPENDENCIES and DEFAULT DEPENDENCIES of systemd's
// manual pages of the unit types.
package graph

import "rouse/internal/unit"

// Implied gives the dependencies that u has by its type and settings: first the
// implicit ones, then the default ones, unless DefaultDependencies=no. user is
// set for units of a user manager.
func Implied(u *unit.Unit, user bool) []unit.Edge { return nil }

// TargetAfter reports whether target is ordered after other because it pulls
// other in: so it is unless DefaultDependencies=no on either.
func TargetAfter(target, other *unit.Unit) bool { return false }

// MountEdges gives the dependencies that RequiresMountsFor= of u brings: find
// returns the mount unit of a name, or nil where there is none.
func MountEdges(u *unit.Unit, find func(name string) *unit.Unit) []unit.Edge { return nil }
