package fold

import "fmt"

// The bytes of a record: version of the encoding (1), kind, node (8 bytes), nr, and then the
// fields of that kind in the order of the list in [wire.record], nothing after
// them. Numbers are shortest uvarints, texts and bytes are prefixed with their
// length. So each record has exactly one encoding: whatever Decode accepts,
// Encode writes again byte for byte.

// Encode returns a record's bytes; an error names the field that is outside
// its limits. Fields that the kind does not have are left out.
func Encode(r *Record) ([]byte, error) {
	copied := *r // the walk takes pointers; the caller's record stays untouched
	w := wire{buf: make([]byte, 0, 96+len(r.Campaign)+len(r.Actor)+len(r.Reason)+len(r.Sealed))}
	w.buf = append(w.buf, Encoding, byte(r.Kind))
	w.record(&copied)
	if w.err == nil && len(w.buf) > MaxRecord {
		w.fail("record", "is too long")
	}
	if w.err != nil {
		return nil, fmt.Errorf("encode a %v record: %w", r.Kind, w.err)
	}
	return w.buf, nil
}

// Decode reads a record. ErrMalformed (Invalid to every fold) or ErrUnknown
// (nobody of this build may go on). The record's Sealed points into b.
func Decode(b []byte) (Record, error) {
	var r Record
	if err := decode(&r, b, nil); err != nil {
		return Record{}, err
	}
	return r, nil
}

// decode reads b into a zero record. The ids in known are not copied. After an
// error r holds rubbish.
func decode(r *Record, b []byte, known map[string]*Campaign) error {
	// The version comes first: a later one may have another idea of the rest,
	// its limits included, so what this build thinks of it does not count.
	if len(b) > 0 && b[0] > Encoding {
		return fmt.Errorf("%w: a record of version %d", ErrUnknown, b[0])
	}
	if len(b) < 2 || len(b) > MaxRecord || b[0] == 0 {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	r.Kind = Kind(b[1])
	w := wire{buf: b[2:], reading: true, known: known}
	w.record(r)
	if w.err == nil && len(w.buf) > 0 {
		w.fail("record", "has bytes behind its end")
	}
	return w.err
}

// record walks the fields of a record in the order of the wire.
func (w *wire) record(r *Record) {
	if r.Kind < KindGenesis || r.Kind > KindActivate {
		w.err = fmt.Errorf("%w: kind %d", ErrUnknown, r.Kind)
		return
	}
	w.fixed("node", &r.Node)
	w.counter("nr", &r.Nr)
	switch r.Kind {
	case KindGenesis:
		w.raw("cluster", &r.Cluster)
		w.partitions(&r.Partitions)
	case KindBeacon:
		w.offset("mark", &r.Mark)
		w.fixed("digest", &r.Digest)
	case KindNoop:
	case KindActivate:
		w.small("activate", &r.Activate, 255)
		w.deed(r)
	default:
		w.id(&r.Campaign)
		w.aboutCampaign(r)
	}
}

func (w *wire) aboutCampaign(r *Record) {
	switch r.Kind {
	case KindCampaign:
		w.deed(r)
		w.definition(&r.Definition)
	case KindClaim:
		w.raw("user", (*[16]byte)(&r.User))
		w.offset("seen", &r.Seen)
		w.flag("wait", &r.Wait)
		w.bytes("sealed", &r.Sealed, MaxSealed)
	case KindCancel:
		w.raw("user", (*[16]byte)(&r.User))
		w.offset("claim", &r.Claim)
		w.deed(r)
	case KindAnswers:
		w.raw("user", (*[16]byte)(&r.User))
		w.offset("claim", &r.Claim)
		w.bytes("sealed", &r.Sealed, MaxSealed)
	case KindErase:
		w.raw("user", (*[16]byte)(&r.User))
		w.deed(r)
	default: // the verbs, EDIT and CAP
		w.offset("xv", &r.Xv)
		w.deed(r)
		if r.Kind == KindCap {
			w.number("cap", &r.Cap, NoCap, MaxCount)
		}
		if r.Kind == KindEdit {
			w.definition(&r.Definition)
		}
	}
}

// deed is who did it and why.
func (w *wire) deed(r *Record) {
	w.text("actor", &r.Actor, MaxActor)
	w.text("reason", &r.Reason, MaxReason)
}

// EncodeDefinition returns a definition's bytes, the same as in its record: one
// sequence of bytes for each meaning, so it can be kept and compared. Its fields
// are limited one by one; that the whole fits MaxDefinition is a record's rule,
// because a later CAP may lengthen it by a few bytes.
func EncodeDefinition(d *Definition) ([]byte, error) {
	w := wire{buf: make([]byte, 0, 64+len(d.Title)+len(d.Description)+len(d.Form)+len(d.Eligibility)+len(d.Key))}
	copied := *d
	w.meaning(&copied)
	if w.err != nil {
		return nil, fmt.Errorf("encode a definition: %w", w.err)
	}
	return w.buf, nil
}

// DecodeDefinition is the reverse of EncodeDefinition. ErrMalformed. Nothing in
// the definition points into b.
func DecodeDefinition(b []byte) (*Definition, error) {
	w := wire{buf: b, reading: true}
	d := new(Definition)
	w.meaning(d)
	if w.err == nil && len(w.buf) > 0 {
		w.fail("definition", "has bytes behind its end")
	}
	if w.err != nil {
		return nil, w.err
	}
	return d, nil
}

func (w *wire) definition(d **Definition) {
	var b []byte
	if !w.reading {
		if *d == nil {
			w.fail("definition", "is missing")
			return
		}
		if b, w.err = EncodeDefinition(*d); w.err != nil {
			return
		}
	}
	w.bytes("definition", &b, MaxDefinition)
	if w.reading && w.err == nil {
		*d, w.err = DecodeDefinition(b)
	}
}

// meaning walks the fields of a definition in the order of the wire.
func (w *wire) meaning(d *Definition) {
	w.text("title", &d.Title, MaxDefinition)
	w.text("description", &d.Description, MaxDefinition)
	w.text("kind", &d.Kind, MaxID)
	w.text("counting", &d.Counting, MaxID)
	w.number("cap", &d.Cap, NoCap, MaxCount)
	w.flag("soft", &d.Soft)
	w.number("points", &d.Points, 0, MaxCount)
	w.number("waitlist cap", &d.WaitlistCap, 0, MaxCount)
	w.small("reclaim", &d.Reclaim, ReclaimRefused)
	w.flag("end of promotion", &d.EndPromotion)
	w.number("time of opening", &d.OpensAt, 0, MaxCount)
	w.number("time of closing", &d.ClosesAt, 0, MaxCount)
	w.number("end of cancelling", &d.CancellableUntil, 0, MaxCount)
	w.keep("form", &d.Form, MaxDefinition)
	w.keep("eligibility", &d.Eligibility, MaxDefinition)
	w.keep("key", &d.Key, MaxDefinition)
}
