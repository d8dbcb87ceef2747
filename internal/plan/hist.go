package plan

import "math/bits"

// HistBuckets returns how many buckets a hist map with the given number of
// sub-bucket bits k has.
//
// The buckets are log2-linear. Bucket 0 takes negative values, bucket 1 is
// zero for k = 0. See HistBucket.
func HistBuckets(k int) int { return (65-k)<<k + 1 }

// HistBucket returns the bucket of v with k sub-bucket bits: 0 for negative
// values; 1+v for v below 2^k; else, with e the position of v's highest bit,
// 1 + (e-k+1)<<k + the k bits below the highest. With k = 0 these are the
// powers of two: 0 is bucket 1, 1 is 2, [2,4) is 3, [4,8) is 4, and so on.
func HistBucket(v int64, k int) int {
	if v < 0 {
		return 0
	}
	u := uint64(v)
	if u < 1<<k {
		return 1 + int(u)
	}
	e := bits.Len64(u) - 1
	return 1 + (e-k+1)<<k + int(u>>(e-k))&(1<<k-1)
}

// HistLow returns the smallest value of bucket i (i of at least 1).
func HistLow(i, k int) int64 {
	i--
	if i < 1<<k {
		return int64(i)
	}
	e := i>>k + k - 1
	return int64(1<<e + (i&(1<<k-1))<<(e-k))
}

// LhistBucket returns the bucket of v in a linear histogram: 0 below lo, one
// per step, and the last for values of at least hi.
func LhistBucket(v, lo, hi, step int64) int {
	switch {
	case v < lo:
		return 0
	case v >= hi:
		return LhistBuckets(lo, hi, step) - 1
	}
	return 1 + int((v-lo)/step)
}

// LhistBuckets returns how many buckets LhistBucket distinguishes.
func LhistBuckets(lo, hi, step int64) int {
	return int((hi-lo+step-1)/step) + 2
}
