package spawn

// appliedHere are the directives that are carried out on Linux alone.
var appliedHere = []string{"OOMScoreAdjust"}
