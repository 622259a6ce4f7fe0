package redis

import (
	"crypto/tls"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Address says where a Redis is and how to get in. Whoever read it from a URL has
// checked it.
type Address struct {
	Hosts            []string // host:port of the server, the sentinels or some cluster nodes
	Master           string   // given: the hosts are sentinels of this master
	Cluster          bool     // the hosts are nodes of a cluster
	TLS              bool
	User, Password   string
	SentinelUser     string
	SentinelPassword string
	DB               int
}

const (
	dialTimeout = 200 * time.Millisecond // also of a question to a sentinel
	poolTimeout = 100 * time.Millisecond // to wait for a free connection
	poolSize    = 8                      // connections a server; what does not get one in time is as if Redis were away
)

// open makes the driver's client. It connects to nothing, and repeats nothing by itself.
func (a Address) open() driver.UniversalClient {
	switch {
	case a.Cluster:
		return driver.NewClusterClient(a.cluster())
	case a.Master != "":
		return driver.NewFailoverClient(a.sentinel())
	}
	return driver.NewClient(&driver.Options{
		Addr: a.Hosts[0], Username: a.User, Password: a.Password, DB: a.DB, TLSConfig: a.tls(),
		Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout, PoolSize: poolSize,
	})
}

func (a Address) sentinel() *driver.FailoverOptions {
	return &driver.FailoverOptions{
		MasterName: a.Master, SentinelAddrs: a.Hosts, SentinelUsername: a.SentinelUser, SentinelPassword: a.SentinelPassword,
		Username: a.User, Password: a.Password, DB: a.DB, TLSConfig: a.tls(),
		Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout, PoolSize: poolSize,
	}
}

func (a Address) cluster() *driver.ClusterOptions {
	return &driver.ClusterOptions{
		Addrs: a.Hosts, Username: a.User, Password: a.Password, TLSConfig: a.tls(),
		Protocol: 2, DisableIdentity: true, DisableRoutingPolicies: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, DialerRetries: 1, ContextTimeoutEnabled: true, MaxRedirects: 3,
		MinRetryBackoff: time.Millisecond, MaxRetryBackoff: 10 * time.Millisecond,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: poolTimeout, PoolSize: poolSize,
		ClusterStateReloadInterval: 10 * time.Second,
	}
}

// tls takes the name to verify from the address that is dialled.
func (a Address) tls() *tls.Config {
	if !a.TLS {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12}
}
