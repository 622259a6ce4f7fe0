package redisgate

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// DriverLog sends what go-redis says by itself (dials that failed, a new master) to the
// logger at debug level; without it the driver writes to standard error. The driver has
// one logger for the whole process: call it once, before the first Connect.
func DriverLog(logger *slog.Logger) { redis.SetLogger(driverLog{logger}) }

type driverLog struct{ logger *slog.Logger }

// Printf fulfils the driver's interface.
func (l driverLog) Printf(ctx context.Context, format string, v ...any) {
	if l.logger.Enabled(ctx, slog.LevelDebug) {
		l.logger.DebugContext(ctx, fmt.Sprintf(format, v...), "room", "engine")
	}
}
