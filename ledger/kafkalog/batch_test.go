package kafkalog

import (
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// batchAt makes a valid batch of one record, as a broker would send it.
func batchAt(offset int64) []byte {
	rec := kmsg.Record{Key: []byte("k"), Value: []byte("v")}
	body := rec.AppendTo(nil)[1:]
	rec.Length = int32(len(body))
	batch := kmsg.RecordBatch{
		FirstOffset: offset, PartitionLeaderEpoch: 0, Magic: 2, FirstTimestamp: 1, MaxTimestamp: 1,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: rec.AppendTo(nil),
	}
	raw := batch.AppendTo(nil)
	batch.Length = int32(len(raw) - 12)
	batch.CRC = int32(crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return batch.AppendTo(nil)
}
