package sys

// Ring is a BPF_MAP_TYPE_RINGBUF mapped into memory. The mapping counts as
// resident memory of the process: the data area once, and two pages.
//
// The consumer position is the number of bytes that user space has consumed
// since the map was created, the producer position the number of bytes that
// programs have reserved. Both are read and written atomically, and Data is
// len(Data) bytes of which position p lies at p modulo len(Data), a power of
// two.
type Ring struct {
	Consumer, Producer *uint64
	Data               []byte

	consumerPage, producerArea []byte
}

// Waiter waits for a descriptor to become readable, until a deadline or until
// it is woken.
type Waiter struct {
	fd, wake FD
}
