package mem

import (
	"sync/atomic"
	"unsafe"
)

// Base is the origin of a Space. Its methods access memory with no check at
// all: the caller has looked into the table, or knows the address from Alloc.
// The atomic ones need aligned addresses. They are kept this small so that
// the compiler inlines them into the interpreter's loop.
type Base struct{ p unsafe.Pointer }

func (b Base) at(addr uint64) unsafe.Pointer { return unsafe.Add(b.p, addr) }

// Get8 reads a byte; the others read little-endian numbers of their width in
// bits.
func (b Base) Get8(addr uint64) uint8   { return *(*uint8)(unsafe.Add(b.p, addr)) }
func (b Base) Get16(addr uint64) uint16 { return *(*uint16)(unsafe.Add(b.p, addr)) }
func (b Base) Get32(addr uint64) uint32 { return *(*uint32)(unsafe.Add(b.p, addr)) }
func (b Base) Get64(addr uint64) uint64 { return *(*uint64)(unsafe.Add(b.p, addr)) }

// Put8 writes a byte; the others write numbers of their width in bits.
func (b Base) Put8(addr uint64, v uint8)   { *(*uint8)(unsafe.Add(b.p, addr)) = v }
func (b Base) Put16(addr uint64, v uint16) { *(*uint16)(unsafe.Add(b.p, addr)) = v }
func (b Base) Put32(addr uint64, v uint32) { *(*uint32)(unsafe.Add(b.p, addr)) = v }
func (b Base) Put64(addr uint64, v uint64) { *(*uint64)(unsafe.Add(b.p, addr)) = v }

// Word32 is the word at an address that is a multiple of 4, for the functions
// of sync/atomic.
func (b Base) Word32(addr uint64) *uint32 { return (*uint32)(b.at(addr)) }

// Word64 is the word at an address that is a multiple of 8.
func (b Base) Word64(addr uint64) *uint64 { return (*uint64)(b.at(addr)) }

// Slice is the n bytes at addr.
func (b Base) Slice(addr, n uint64) []byte { return unsafe.Slice((*byte)(b.at(addr)), n) }

// LoadAcquire32 reads a word that another CPU may write.
func (b Base) LoadAcquire32(addr uint64) uint32 { return atomic.LoadUint32(b.Word32(addr)) }

// LoadAcquire64 reads a word that another CPU may write.
func (b Base) LoadAcquire64(addr uint64) uint64 { return atomic.LoadUint64(b.Word64(addr)) }

// StoreRelease32 writes a word that another CPU may read.
func (b Base) StoreRelease32(addr uint64, v uint32) { atomic.StoreUint32(b.Word32(addr), v) }

// StoreRelease64 writes a word that another CPU may read.
func (b Base) StoreRelease64(addr uint64, v uint64) { atomic.StoreUint64(b.Word64(addr), v) }
