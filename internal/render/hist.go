package render

import (
	"math/bits"
	"strconv"

	"github.com/skep-dev/skep/internal/plan"
)

// logHistogram builds a histogram from the counts of hist() buckets with k
// sub-bucket bits. Empty buckets at both ends are left out.
func logHistogram(counts []uint64, k int, div int64) *Histogram {
	h := &Histogram{}
	first, last := usedRange(counts)
	if first < 0 {
		return h
	}
	if first > 0 {
		low := logBound(first, k)
		h.Lower = &low
	}
	for i := first; i <= last; i++ {
		h.Upper = append(h.Upper, logBound(i+1, k))
		h.Counts = append(h.Counts, divideUint(counts[i], div))
	}
	return h
}

// usedRange returns the first and the last index that is not zero, or -1.
func usedRange(counts []uint64) (first, last int) {
	first, last = -1, -1
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	return first, last
}

// logBound returns the smallest value of bucket i. Limits up to where the
// buckets begin to hold several values are shown in full, larger ones with the
// suffix of the largest power of 1024 in the bucket's width.
func logBound(i, k int) Bound {
	low := plan.HistLow(i, k)
	if i <= 1+2<<k {
		return Bound{N: low}
	}
	u := uint64(low)
	width := bits.Len64(u) - 1 - k // log2 of the number of values in the bucket
	decade := width / 10
	text := strconv.FormatUint(u>>(10*decade), 10)
	if decade > 0 {
		text += "KMGTPE"[decade-1 : decade]
	}
	return Bound{N: low, Text: text}
}

// linearHistogram builds a histogram from the counts of lhist() buckets.
func linearHistogram(counts []uint64, lo, hi, step int64) *Histogram {
	h := &Histogram{}
	// A last step that hi cuts short has no bucket of its own in the output.
	steps := int(uint64(hi-lo) / uint64(step))
	if top := steps + 1; top < len(counts)-1 {
		merged := append([]uint64(nil), counts[:top+1]...)
		for _, n := range counts[top+1:] {
			merged[top] += n
		}
		counts = merged
	}
	first, last := usedRange(counts)
	if first < 0 {
		return h
	}
	if first > 0 {
		low := linearBound(lo+int64(first-1)*step, step)
		h.Lower = &low
	}
	for i := first; i <= last; i++ {
		if i <= steps {
			h.Upper = append(h.Upper, linearBound(lo+int64(i)*step, step))
		}
		h.Counts = append(h.Counts, counts[i])
	}
	return h
}

// linearBound uses suffixes only when all limits of the histogram can have one.
func linearBound(n, step int64) Bound {
	const kilo, mega = 1 << 10, 1 << 20
	b := Bound{N: n}
	switch {
	case step%kilo != 0:
		return b
	case n != 0 && n%mega == 0:
		b.Text = strconv.FormatInt(n/mega, 10) + "M"
	case n != 0 && n%kilo == 0:
		b.Text = strconv.FormatInt(n/kilo, 10) + "K"
	default:
		b.Text = strconv.FormatInt(n, 10)
	}
	return b
}
