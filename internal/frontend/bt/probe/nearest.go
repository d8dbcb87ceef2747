package probe

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns at most n of the names that look most like name, best
// first: those that contain it or are few edits away.
func Nearest(name string, names []string, n int) []string {
	type scored struct {
		name string
		dist int
	}
	limit := max(2, len(name)/3)
	var hits []scored
	for _, s := range names {
		if strings.Contains(s, name) && name != "" {
			hits = append(hits, scored{s, (len(s) - len(name)) / 4})
		} else if d := distance(name, s, limit); d <= limit {
			hits = append(hits, scored{s, d})
		}
	}
	slices.SortStableFunc(hits, func(a, b scored) int { return cmp.Compare(a.dist, b.dist) })
	var out []string
	for _, h := range hits[:min(n, len(hits))] {
		out = append(out, h.name)
	}
	return out
}

// distance is the number of edits (insert, delete, replace, swap neighbours)
// from a to b, or more than limit when it is more than that.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	two, one, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			c := 1
			if a[i-1] == b[j-1] {
				c = 0
			}
			cur[j] = min(one[j]+1, cur[j-1]+1, one[j-1]+c)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], two[j-2]+1)
			}
			best = min(best, cur[j])
		}
		if best > limit {
			return limit + 1
		}
		two, one, cur = one, cur, two
	}
	return one[len(b)]
}
