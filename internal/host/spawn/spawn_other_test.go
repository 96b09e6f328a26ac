//go:build unix && !linux

package spawn

// otherMeans are those that a Spawner would not choose here: none.
var otherMeans map[string]means

var moreProbes map[string]func()

func pretendKeeper() {}
