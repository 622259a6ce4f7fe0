package kafkalog

import "time"

const patience = 30 * time.Second
