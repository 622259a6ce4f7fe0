package play

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"firstcome/bench/report"
	"firstcome/bench/stack"
)

// traffic is what the services behind the nodes were asked.
type traffic struct {
	transactions int64 // of the database
	commands     int64 // of Redis' master, those within scripts included
}

// asked runs something and returns what the services were asked a second
// meanwhile, as figures. Without services of its own there are none.
func (w *watched) asked(ctx context.Context, when string, do func() error) ([]report.Figure, error) {
	if w.Deployment.Postgres == nil {
		return nil, do()
	}
	before, err := w.traffic(ctx)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return nil, err
	}
	spent := time.Since(start).Seconds()
	after, err := w.traffic(ctx)
	figures := []report.Figure{{Name: "transactions of the database, " + when, Value: float64(after.transactions-before.transactions) / spent, Unit: "/s"}}
	if len(w.Deployment.Streams) == 0 { // else Redis' master dies, and its count with it
		figures = append(figures, report.Figure{Name: "commands of Redis, " + when, Value: float64(after.commands-before.commands) / spent, Unit: "/s"})
	}
	return figures, err
}

func (w *watched) traffic(ctx context.Context) (now traffic, err error) {
	conn, err := pgx.Connect(ctx, w.Deployment.Postgres.DSN("firstcome"))
	if err != nil {
		return now, fmt.Errorf("ask the database how busy it is: %w", err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()`).Scan(&now.transactions)
	if err != nil {
		return now, fmt.Errorf("ask the database how busy it is: %w", err)
	}
	stats, _, err := w.redis(ctx)
	now.commands = stats.commands
	return now, err
}

// redisStats is what Redis' master has counted so far.
type redisStats struct{ commands, published int64 }

// redis asks the master, which it returns too.
func (w *watched) redis(ctx context.Context) (now redisStats, master *stack.RedisServer, err error) {
	if master, err = w.Deployment.Redis.Master(ctx); err != nil {
		return now, nil, fmt.Errorf("ask Redis how busy it is: %w", err)
	}
	c := master.Client(0)
	defer c.Close()
	info, err := c.InfoMap(ctx, "stats", "commandstats").Result()
	if err != nil {
		return now, nil, fmt.Errorf("ask Redis how busy it is: %w", err)
	}
	if now.commands, err = strconv.ParseInt(info["Stats"]["total_commands_processed"], 10, 64); err != nil {
		return now, nil, fmt.Errorf("ask Redis how busy it is: %w", err)
	}
	calls, _, _ := strings.Cut(strings.TrimPrefix(info["Commandstats"]["cmdstat_publish"], "calls="), ",")
	now.published, _ = strconv.ParseInt(calls, 10, 64) // absent while nobody published
	return now, master, nil
}
