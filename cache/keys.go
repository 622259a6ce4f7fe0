package cache

import (
	"encoding/base64"
	"strings"
	"time"

	"firstcome/engine/fold"
)

// Every kind of value that copies are kept of. This list is the only way to a
// [Key]: what is not in it cannot be kept.
//
// How old an answer can be, when the message about a change was lost: a copy in
// Redis lives for life, and one in memory is believed for hard after it was read
// from there, so life + hard is below 5 s.
var (
	// Notices are the notices on the pages, all of them at once, as one value.
	Notices = forEverybody(Kind{
		name: "notices", life: 1900 * time.Millisecond, soft: 2500 * time.Millisecond, hard: 2800 * time.Millisecond,
		stale: 5 * time.Minute, jitter: 10, most: 2 << 20, pack: 1 << 10,
	})
	// Past is what a member had in archived campaigns. It never gets old: it says
	// how far it reaches, and whoever needs more appends.
	Past = forOneMember(Kind{name: "past", life: 24 * time.Hour, jitter: 10, most: 64 << 10})
)

// audience is for whom a kind's values are.
type audience uint8

const (
	everybody audience = iota + 1
	oneMember
)

// Kind is what is promised of a kind's copies.
type Kind struct {
	name     string // in every key, for ever
	audience audience
	life     time.Duration // of a copy in Redis
	soft     time.Duration // a copy in memory is used as it is; then it is looked for again behind the answer
	hard     time.Duration // from here on the answer waits for the look
	stale    time.Duration // how long an old copy answers when nothing else can
	jitter   int           // percent by which life and soft are cut, at random
	most     int           // bytes of one value in Redis; a larger one is kept in memory alone
	pack     int           // bytes from which a value is compressed, if that makes it smaller; 0: never
}

// Shared is a kind whose values are the same for everybody.
type Shared struct{ kind *Kind }

// Private is a kind whose values belong to one member each.
type Private struct{ kind *Kind }

// Key names one value in Redis.
type Key struct {
	kind *Kind
	id   string
}

// keyPrefix stands before every key of this room; the gate's begin with {.
const keyPrefix = "fc:"

var registry = map[string]*Kind{}

func forEverybody(k Kind) Shared  { return Shared{register(k, everybody)} }
func forOneMember(k Kind) Private { return Private{register(k, oneMember)} }

func register(k Kind, whose audience) *Kind {
	if registry[k.name] != nil {
		panic("cache: two kinds are named " + k.name)
	}
	k.audience = whose
	registry[k.name] = &k
	return &k
}

// Key is the key of one of the kind's values.
func (s Shared) Key(id string) Key { return Key{s.kind, id} }

// Key is the key of a member's value in a log's world: another log means another
// history, whatever Redis still has of the one before.
func (p Private) Key(log string, member fold.User) Key {
	return Key{p.kind, log + ":" + base64.RawURLEncoding.EncodeToString(member[:])}
}

// String is the key as Redis knows it.
func (k Key) String() string { return keyPrefix + k.kind.name + ":" + k.id }

// parseKey is the reverse of String; ok is false for what is not registered.
func parseKey(s string) (k Key, ok bool) {
	rest, ours := strings.CutPrefix(s, keyPrefix)
	name, id, found := strings.Cut(rest, ":")
	known := registry[name]
	return Key{known, id}, ours && found && known != nil
}
