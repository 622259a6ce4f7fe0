package redisgate

import (
	"crypto/tls"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// The bounds of every call to Redis. A claim's budget at the gate is 60 ms, kept by
// the caller's context; these bound what goes on behind a caller who has left.
const (
	dialTimeout = 200 * time.Millisecond // also of a question to a sentinel
	callTimeout = 300 * time.Millisecond // to write a pipeline, and to read all its answers
	poolTimeout = 200 * time.Millisecond // to wait for a free connection
	poolSize    = 16                     // connections a server, for pipelines and for the rest each
)

// Open makes the driver's client. It connects to nothing.
//
// Retries are off (see the package's page). Contexts bound reads and writes too. There
// is no OnConnect: it would also run on the sentinels. RESP2 is spoken, because nothing
// here needs push messages and every Redis, proxy and test server speaks it.
func (a Address) Open() redis.UniversalClient {
	switch a.Shape {
	case Sentinel:
		return redis.NewFailoverClient(a.sentinel())
	case Cluster:
		return redis.NewClusterClient(a.cluster())
	}
	return redis.NewClient(a.single())
}

func (a Address) single() *redis.Options {
	return &redis.Options{
		Addr: a.Hosts[0], Username: a.User, Password: a.Password, DB: a.DB, TLSConfig: a.tls(),
		Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout,
		PoolSize: poolSize, PipelinePoolSize: poolSize,
	}
}

func (a Address) sentinel() *redis.FailoverOptions {
	return &redis.FailoverOptions{
		MasterName: a.Master, SentinelAddrs: a.Hosts,
		SentinelUsername: a.SentinelUser, SentinelPassword: a.SentinelPassword,
		Username: a.User, Password: a.Password, DB: a.DB, TLSConfig: a.tls(),
		Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout,
		PoolSize: poolSize, PipelinePoolSize: poolSize,
	}
}

// cluster: the cluster client repeats a call by itself up to MaxRedirects times, also
// after a lost reply. Calls are therefore marked (see once), so that only MOVED, ASK and
// READONLY, which prove that nothing was carried out, lead to another try.
func (a Address) cluster() *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs: a.Hosts, Username: a.User, Password: a.Password, TLSConfig: a.tls(),
		Protocol: 2, DisableIdentity: true, DisableRoutingPolicies: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, DialerRetries: 1, ContextTimeoutEnabled: true, MaxRedirects: 3,
		MinRetryBackoff: time.Millisecond, MaxRetryBackoff: 10 * time.Millisecond,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout,
		PoolSize: poolSize, PipelinePoolSize: poolSize, ClusterStateReloadInterval: 10 * time.Second,
	}
}

// tls takes the name to verify from the address that is dialled.
func (a Address) tls() *tls.Config {
	if !a.TLS {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12}
}

// once marks a command that the driver must not run again by itself.
type once struct{ *redis.Cmd }

// NoRetry overrides the driver's answer, which is false for every ordinary command.
func (once) NoRetry() bool { return true }
