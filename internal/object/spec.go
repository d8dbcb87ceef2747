package object

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf"
)

// Spec reads an object's bytes with cilium/ebpf, to load it into the kernel.
func Spec(data []byte) (*ebpf.CollectionSpec, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	return spec, nil
}
