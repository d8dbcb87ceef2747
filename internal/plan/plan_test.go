package plan

import (
	"math"
	"testing"
)

func TestHistBucketBounds(t *testing.T) {
	for k := 0; k <= 5; k++ {
		n := HistBuckets(k)
		for i := 1; i < n-1; i++ {
			low := HistLow(i, k)
			if low < 0 {
				continue // past the largest int64
			}
			if got := HistBucket(low, k); got != i {
				t.Errorf("k=%d: HistBucket(HistLow(%d)=%d) = %d", k, i, low, got)
			}
			if low > 0 {
				if got := HistBucket(low-1, k); got != i-1 {
					t.Errorf("k=%d: HistBucket(%d) = %d, want %d", k, low-1, got, i-1)
				}
			}
		}
		if got := HistBucket(math.MaxInt64, k); got >= n {
			t.Errorf("k=%d: bucket %d of %d", k, got, n)
		}
		if HistBucket(-1, k) != 0 || HistBucket(math.MinInt64, k) != 0 {
			t.Errorf("k=%d: negative values must be in bucket 0", k)
		}
	}
}

func TestLhistBucket(t *testing.T) {
	for _, c := range []struct {
		v, lo, hi, step int64
		want            int
	}{
		{-1, 0, 100, 10, 0}, {0, 0, 100, 10, 1}, {9, 0, 100, 10, 1}, {10, 0, 100, 10, 2},
		{99, 0, 100, 10, 10}, {100, 0, 100, 10, 11}, {1 << 40, 0, 100, 10, 11}, {-5, -10, 10, 5, 2},
	} {
		if got := LhistBucket(c.v, c.lo, c.hi, c.step); got != c.want {
			t.Errorf("LhistBucket(%d, %d, %d, %d) = %d, want %d", c.v, c.lo, c.hi, c.step, got, c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	ok := Type{Kind: Int, Size: 8}
	for name, p := range map[string]Plan{
		"array that overflows": {Maps: []Map{{Name: "@", Value: Type{Kind: Array, Size: 8, Elem: &Type{Kind: Buffer, Size: 1 << 26}, Len: 1 << 38}}}},
		"array of nothing":     {Maps: []Map{{Name: "@", Value: Type{Kind: Array, Size: 8, Elem: &Type{Kind: None}, Len: 1 << 40}}}},
		"lhist that overflows": {Maps: []Map{{Name: "@", Agg: Lhist, Value: ok, Min: math.MinInt64, Max: math.MaxInt64, Step: 1}}},
		"bits outside":         {Maps: []Map{{Name: "@", Value: Type{Kind: Record, Size: 8, Fields: []Field{{BitOffset: 60, BitSize: 5, Type: ok}}}}}},
		"field outside":        {Events: []Event{{Kind: Printf, Size: 16, Args: []Field{{Offset: 9, Type: ok}}}}},
	} {
		data, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(data); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	p := Plan{Source: "x.bt", Probes: []Probe{{Kind: Begin, Name: "begin", Program: "p0"}},
		Events: []Event{{Kind: Printf, Size: 16, Format: "%d\n", Args: []Field{{Offset: 8, Type: Type{Kind: Int, Size: 8}}}}},
		Maps:   []Map{{Name: "@", Symbol: "m0", Agg: Count, Value: Type{Kind: Int, Size: 8}}}}
	data, err := p.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decode(data)
		if err != nil {
			return
		}
		if _, err := p.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
