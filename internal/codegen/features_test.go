package codegen

import (
	"testing"

	"github.com/go-quicktest/qt"
)

func TestForKernel(t *testing.T) {
	for _, tt := range []struct {
		major, minor int
		want         Features
	}{
		{5, 10, Features{}},
		{5, 12, Features{Atomics: true}},
		{5, 17, Features{Atomics: true, Kfuncs: true, FuncPtr: true, Loop: true}},
		{6, 6, Features{
			Atomics: true, Kfuncs: true, FuncPtr: true, Loop: true, StoreImmCtx: true,
			SDiv: true, MovSX: true, LoadSX: true, Bswap: true, Gotol: true,
		}},
		{7, 0, Features{
			Atomics: true, Kfuncs: true, FuncPtr: true, Loop: true, StoreImmCtx: true,
			SDiv: true, MovSX: true, LoadSX: true, Bswap: true, Gotol: true, MayGoto: true, LoadAcquire: true,
		}},
	} {
		got, err := ForKernel(tt.major, tt.minor)
		qt.Assert(t, qt.IsNil(err))
		qt.Check(t, qt.Equals(got, tt.want), qt.Commentf("%d.%d", tt.major, tt.minor))
	}
	for _, old := range [][2]int{{5, 9}, {4, 19}, {2, 6}} {
		_, err := ForKernel(old[0], old[1])
		qt.Check(t, qt.ErrorMatches(err, ".*too old.*"))
	}
}
