package engine

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"sync"

	"firstcome/engine/fold"
)

// ErrSealed: sealed bytes do not open with this secret and campaign.
var ErrSealed = errors.New("the sealed data does not open: another secret, or damaged")

// Sealed is what rides sealed in a claim: the only personal data in the log.
type Sealed struct {
	Subject string          `json:"s"`
	Answers json.RawMessage `json:"a,omitempty"` // object by question id; in an ANSWERS record a merge patch (RFC 7396)
}

// Sealer derives every key from the tenant's secret: pseudonyms, the cluster's
// id, and the wrapping of the campaigns' data keys. All nodes with the same
// secret derive the same. Safe for concurrent use.
type Sealer struct {
	users   sync.Pool // hash.Hash
	wrap    cipher.AEAD
	cluster [16]byte
	keys    sync.Map // wrapped key (string) -> cipher.AEAD; as many as campaigns seen
}

// NewSealer derives the keys from a secret of 32 bytes.
func NewSealer(secret [32]byte) (*Sealer, error) {
	userKey, err := hkdf.Expand(sha256.New, secret[:], "firstcome pseudonym", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the pseudonym key: %w", err)
	}
	wrapKey, err := hkdf.Expand(sha256.New, secret[:], "firstcome campaign keys", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the wrapping key: %w", err)
	}
	id, err := hkdf.Expand(sha256.New, secret[:], "firstcome cluster", 16)
	if err != nil {
		return nil, fmt.Errorf("derive the cluster's id: %w", err)
	}
	s := &Sealer{cluster: [16]byte(id)}
	s.users.New = func() any { return hmac.New(sha256.New, userKey) }
	s.wrap, err = newAEAD(wrapKey)
	return s, err
}

// Cluster is the id in every partition's GENESIS: a node with another secret is
// refused at start.
func (s *Sealer) Cluster() [16]byte { return s.cluster }

// User is the member's pseudonym: HMAC-SHA256(tenant key, subject), 16 bytes.
func (s *Sealer) User(subject string) fold.User {
	h := s.users.Get().(hash.Hash)
	defer s.users.Put(h)
	h.Reset()
	h.Write([]byte(subject))
	var sum [sha256.Size]byte
	return fold.User(h.Sum(sum[:0])[:16])
}

// NewKey draws a campaign's data key and returns it wrapped, bound to the id.
func (s *Sealer) NewKey(campaign string) []byte {
	var key [32]byte
	rand.Read(key[:])
	return seal(s.wrap, key[:], []byte(campaign))
}

// Seal closes a member's personal data under the campaign's wrapped key.
func (s *Sealer) Seal(campaign string, wrapped []byte, user fold.User, data Sealed) ([]byte, error) {
	aead, err := s.dataKey(campaign, wrapped)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("seal for %s: %w", campaign, err)
	}
	return seal(aead, plain, user[:]), nil
}

// Open is the reverse of Seal. ErrSealed.
func (s *Sealer) Open(campaign string, wrapped []byte, user fold.User, sealed []byte) (Sealed, error) {
	var data Sealed
	aead, err := s.dataKey(campaign, wrapped)
	if err != nil {
		return data, err
	}
	plain, err := unseal(aead, sealed, user[:])
	if err != nil {
		return data, err
	}
	if err := json.Unmarshal(plain, &data); err != nil {
		return data, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return data, nil
}

func (s *Sealer) dataKey(campaign string, wrapped []byte) (cipher.AEAD, error) {
	if aead, ok := s.keys.Load(string(wrapped)); ok {
		return aead.(cipher.AEAD), nil
	}
	key, err := unseal(s.wrap, wrapped, []byte(campaign))
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	s.keys.Store(string(wrapped), aead)
	return aead, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("a data key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal and unseal prefix a random nonce of 12 bytes: safe for 2^32 messages a
// key (NIST SP 800-38D, 8.3), and a key is one campaign's.
func seal(aead cipher.AEAD, plain, bound []byte) []byte { return aead.Seal(nil, nil, plain, bound) }

func unseal(aead cipher.AEAD, sealed, bound []byte) ([]byte, error) {
	plain, err := aead.Open(nil, nil, sealed, bound)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
