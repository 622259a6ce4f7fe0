package cache

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// versionWidth is how many digits stand before every value, so that scripts can
// compare versions as text, exactly, in any locale.
const versionWidth = 16

// maxVersion is the highest version that fits.
const maxVersion = 9_999_999_999_999_999

// How a value is kept, behind its version.
const (
	isNothing = '-' // there is none, and that is known
	isPlain   = '='
	isPacked  = 'z'
)

var errDamaged = errors.New("what is kept is damaged")

// packer and unpacker are made when first needed: together they hold some MB.
var (
	packer   = sync.OnceValues(func() (*zstd.Encoder, error) { return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)) })
	unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(16<<20))
	})
)

// wrap writes a value as Redis keeps it: version, one byte, and the bytes, packed
// only if that is shorter.
func (k *Kind) wrap(version int64, found bool, raw []byte) []byte {
	b := make([]byte, 0, versionWidth+1+len(raw))
	b = fmt.Appendf(b, "%0*d", versionWidth, min(max(version, 0), maxVersion))
	if !found {
		return append(b, isNothing)
	}
	if k.pack > 0 && len(raw) >= k.pack {
		if e, err := packer(); err == nil {
			if packed := e.EncodeAll(raw, append(b, isPacked)); len(packed) < versionWidth+1+len(raw) {
				return packed
			}
		}
	}
	return append(append(b, isPlain), raw...)
}

// unwrap is the reverse of wrap.
func unwrap(b []byte) (version int64, found bool, raw []byte, err error) {
	if len(b) <= versionWidth {
		return 0, false, nil, errDamaged
	}
	if version, err = strconv.ParseInt(string(b[:versionWidth]), 10, 64); err != nil || version < 0 {
		return 0, false, nil, errDamaged
	}
	body := b[versionWidth+1:]
	switch b[versionWidth] {
	case isNothing:
		return version, false, nil, nil
	case isPlain:
		return version, true, body, nil
	case isPacked:
		d, err := unpacker()
		if err != nil {
			return 0, false, nil, err
		}
		raw, err = d.DecodeAll(body, nil)
		return version, true, raw, err
	}
	return 0, false, nil, errDamaged
}
