package render

import "strconv"

// Bits of the kernel's page allocation flags (include/linux/gfp_types.h).
const (
	gfpDMA = 1 << iota
	gfpHighmem
	gfpDMA32
	gfpMovable
	gfpReclaimable
	gfpHigh
	gfpIO
	gfpFS
	gfpZero
	_ // unused
	gfpDirectReclaim
	gfpKswapdReclaim
	gfpWrite
	gfpNowarn
	gfpRetryMayfail
	gfpNofail
	gfpNoretry
	gfpMemalloc
	gfpComp
	gfpNomemalloc
	gfpHardwall
	gfpThisnode
	gfpAccount
	gfpZerotags
	gfpSkipZero
	gfpSkipKasan
	gfpNoObjExt
)

// Combinations that have a name of their own.
const (
	gfpReclaim        = gfpDirectReclaim | gfpKswapdReclaim
	gfpAtomic         = gfpHigh | gfpKswapdReclaim
	gfpKernel         = gfpReclaim | gfpIO | gfpFS
	gfpNowait         = gfpKswapdReclaim | gfpNowarn
	gfpNoio           = gfpReclaim
	gfpNofs           = gfpReclaim | gfpIO
	gfpUser           = gfpKernel | gfpHardwall
	gfpHighuser       = gfpUser | gfpHighmem
	gfpHighuserMov    = gfpHighuser | gfpMovable | gfpSkipKasan
	gfpTranshugeLight = (gfpHighuserMov | gfpComp | gfpNomemalloc | gfpNowarn) &^ gfpReclaim
	gfpTranshuge      = gfpTranshugeLight | gfpDirectReclaim
)

// gfpFlag is a combination of bits and its name.
type gfpFlag struct {
	bits uint64
	name string
}

// gfpFlags lists the names in the order in which the kernel's %pGg takes bits
// away: the largest combinations first.
func gfpFlags() [35]gfpFlag {
	return [...]gfpFlag{
		{gfpTranshuge, "GFP_TRANSHUGE"},
		{gfpTranshugeLight, "GFP_TRANSHUGE_LIGHT"},
		{gfpHighuserMov, "GFP_HIGHUSER_MOVABLE"},
		{gfpHighuser, "GFP_HIGHUSER"},
		{gfpUser, "GFP_USER"},
		{gfpKernel | gfpAccount, "GFP_KERNEL_ACCOUNT"},
		{gfpKernel, "GFP_KERNEL"},
		{gfpNofs, "GFP_NOFS"},
		{gfpAtomic, "GFP_ATOMIC"},
		{gfpNoio, "GFP_NOIO"},
		{gfpNowait, "GFP_NOWAIT"},
		{gfpDMA, "GFP_DMA"},
		{gfpHighmem, "__GFP_HIGHMEM"},
		{gfpDMA32, "GFP_DMA32"},
		{gfpHigh, "__GFP_HIGH"},
		{gfpIO, "__GFP_IO"},
		{gfpFS, "__GFP_FS"},
		{gfpZero, "__GFP_ZERO"},
		{gfpDirectReclaim, "__GFP_DIRECT_RECLAIM"},
		{gfpKswapdReclaim, "__GFP_KSWAPD_RECLAIM"},
		{gfpWrite, "__GFP_WRITE"},
		{gfpNowarn, "__GFP_NOWARN"},
		{gfpRetryMayfail, "__GFP_RETRY_MAYFAIL"},
		{gfpNofail, "__GFP_NOFAIL"},
		{gfpNoretry, "__GFP_NORETRY"},
		{gfpMemalloc, "__GFP_MEMALLOC"},
		{gfpComp, "__GFP_COMP"},
		{gfpNomemalloc, "__GFP_NOMEMALLOC"},
		{gfpHardwall, "__GFP_HARDWALL"},
		{gfpThisnode, "__GFP_THISNODE"},
		{gfpAccount, "__GFP_ACCOUNT"},
		{gfpZerotags, "__GFP_ZEROTAGS"},
		{gfpSkipZero, "__GFP_SKIP_ZERO"},
		{gfpSkipKasan, "__GFP_SKIP_KASAN"},
		{gfpNoObjExt, "__GFP_NO_OBJ_EXT"},
	}
}

// appendGFPFlags writes the names of n's bits joined by '|', what has no name
// in hex, and 0 as "0".
func appendGFPFlags(dst []byte, n uint64) []byte {
	if n == 0 {
		return append(dst, '0')
	}
	start := len(dst)
	sep := func() {
		if len(dst) > start {
			dst = append(dst, '|')
		}
	}
	for _, f := range gfpFlags() {
		if n&f.bits == f.bits {
			sep()
			dst = append(dst, f.name...)
			n &^= f.bits
		}
	}
	if n != 0 {
		sep()
		dst = strconv.AppendUint(append(dst, "0x"...), n, 16)
	}
	return dst
}
