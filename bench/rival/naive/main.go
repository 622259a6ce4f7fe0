//go:build badengine

package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"firstcome/api"
	"firstcome/engine"
	"firstcome/engine/redisgate"
)

// naive is one node: it fulfils every port of the doors.
type naive struct {
	variant string
	redis   redis.UniversalClient
	locks   *redsync.Redsync
	db      *pgxpool.Pool
	kafka   *kgo.Client
	log     *slog.Logger
	loads   singleflight.Group
	loaded  atomic.Bool

	mu   sync.RWMutex // held for one look or one change
	byID map[string]engine.Campaign
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	verb, args := "serve", os.Args[1:]
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	var err error
	switch verb {
	case "serve":
		err = serve(ctx)
	case "token":
		err = token(args)
	default:
		err = fmt.Errorf("naive knows serve and token, not %q", verb)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}

func env(key, fallback string) string {
	if v := os.Getenv("FIRSTCOME_" + key); v != "" {
		return v
	}
	return fallback
}

func identity() (id api.Identity, err error) {
	secret, err := hex.DecodeString(env("SECRET", ""))
	if err != nil || len(secret) != len(id.Secret) {
		return id, errors.New("FIRSTCOME_SECRET must be 64 hexadecimal digits")
	}
	id.JWTKey = env("JWT_KEY", "")
	copy(id.Secret[:], secret)
	return id, nil
}

// token prints one token for --sub, or one for each line of standard input.
func token(args []string) error {
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	sub, role := flags.String("sub", "", "who"), flags.String("role", "", "viewer, operator or owner")
	list, ttl := flags.String("subs-from", "", "-: names from standard input"), flags.Duration("ttl", time.Hour, "valid for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	id, err := identity()
	if err != nil {
		return err
	}
	issuer, err := api.NewIssuer(id)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(strings.NewReader(*sub))
	if *list == "-" {
		in = bufio.NewScanner(os.Stdin)
	}
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		t, err := issuer.Mint(in.Text(), *role, *ttl)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, t)
	}
	return errors.Join(in.Err(), out.Flush())
}

// connect opens everything with the drivers' default settings.
func connect(ctx context.Context) (*naive, error) {
	n := &naive{variant: "redis-decides", byID: map[string]engine.Campaign{}}
	if v := os.Getenv("NAIVE_VARIANT"); v != "" {
		n.variant = v
	}
	switch n.variant {
	case "redis-decides", "fence", "answer-on-ack", "conflict":
	default:
		return nil, fmt.Errorf("NAIVE_VARIANT: there is no %q", n.variant)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(env("LOG_LEVEL", "info"))); err != nil {
		return nil, err
	}
	n.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	at, err := redisgate.ParseURL(env("REDIS", ""))
	if err != nil {
		return nil, err
	}
	redisgate.DriverLog(n.log)
	n.redis = redis.NewUniversalClient(&redis.UniversalOptions{Addrs: at.Hosts, MasterName: at.Master, DB: at.DB,
		Username: at.User, Password: at.Password, SentinelUsername: at.SentinelUser, SentinelPassword: at.SentinelPassword})
	n.locks = redsync.New(goredis.NewPool(n.redis))
	if n.db, err = pgxpool.New(ctx, env("POSTGRES", "")); err != nil {
		return nil, err
	}
	n.kafka, err = kgo.NewClient(n.consumer()...)
	if err != nil {
		return nil, err
	}
	replication, err := strconv.ParseInt(env("KAFKA_REPLICATION", "1"), 10, 16)
	if err != nil {
		return nil, err
	}
	if err := n.migrate(ctx, int16(replication)); err != nil {
		return nil, err
	}
	n.kafka.AddConsumeTopics(topic) // now that it is there
	return n, nil
}

func (n *naive) consumer() []kgo.Opt {
	all := []kgo.Opt{kgo.SeedBrokers(strings.Split(env("KAFKA", ""), ",")...), kgo.ConsumerGroup(group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(6 * time.Second)}
	if n.variant != "conflict" {
		all = append(all, kgo.DisableAutoCommit())
	}
	return all
}

func (n *naive) close() {
	flush, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = n.kafka.Flush(flush) // what does not arrive now is lost
	n.kafka.Close()
	n.db.Close()
	_ = n.redis.Close()
}

func serve(ctx context.Context) error {
	n, err := connect(ctx)
	if err != nil {
		return err
	}
	defer n.close()
	id, err := identity()
	if err != nil {
		return err
	}
	doors, err := api.New(api.Config{Identity: id, Version: "naive", Logger: n.log},
		api.Ports{Claims: n, Campaigns: n, Verbs: n, Register: n, Node: n, Books: n, Auditor: n})
	if err != nil {
		return err
	}
	crew, ctx := errgroup.WithContext(ctx)
	crew.Go(func() error { return n.refresh(ctx) })
	crew.Go(func() error { return n.write(ctx) })
	crew.Go(func() error { return doors.Run(ctx) })
	crew.Go(func() error { return answer(ctx, env("LISTEN", ":8080"), doors.Members(), n.log) })
	crew.Go(func() error { return answer(ctx, env("ADMIN_LISTEN", "127.0.0.1:8081"), doors.Admins(), n.log) })
	return crew.Wait()
}

func answer(ctx context.Context, address string, h http.Handler, log *slog.Logger) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := api.HTTPServer(h, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline+early)
	defer cancel()
	return server.Shutdown(last)
}
