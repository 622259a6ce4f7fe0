package stack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// PostgresOptions say how PostgreSQL is started.
type PostgresOptions struct {
	// Settings are further lines of postgresql.conf, like "log_statement = all".
	Settings []string
}

// PostgresServer is a running PostgreSQL cluster with durable commits.
type PostgresServer struct {
	*Process
	Port int
	dir  string
}

// postgresUser is the cluster's superuser; it needs no password on loopback.
const postgresUser = "firstcome"

// StartPostgres makes a new cluster and starts it: 1-2 s. PostgreSQL refuses to
// run as root; then it runs as the account postgres, or else nobody.
func StartPostgres(ctx context.Context, o PostgresOptions) (*PostgresServer, error) {
	path, err := postgresProgram("postgres")
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := newDir("postgres")
	if err != nil {
		return nil, err
	}
	s := &PostgresServer{Port: port, dir: dir}
	data := filepath.Join(dir, "data")
	if err = initdb(ctx, as, data, port, o); err == nil {
		s.Process, err = StartProcess(Spec{
			Name: "postgres-" + strconv.Itoa(port), Path: path, Args: []string{"-D", data},
			Dir: dir, Polite: signalFast, as: as,
		})
	}
	if err == nil {
		err = s.ready(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// initdb makes the cluster's folder. It is not synced to disk, because it is
// thrown away after a crash; the commits are.
func initdb(ctx context.Context, as *account, data string, port int, o PostgresOptions) error {
	path, err := postgresProgram("initdb")
	if err != nil {
		return err
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("make a postgres cluster: %w", err)
	}
	if err := as.own(data); err != nil {
		return fmt.Errorf("make a postgres cluster: %w", err)
	}
	cmd := exec.CommandContext(ctx, path, "-D", data, "-U", postgresUser, "--auth=trust",
		"--no-sync", "--encoding=UTF8", "--locale=C")
	cmd.Dir, cmd.SysProcAttr = filepath.Dir(data), attributes(as)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make a postgres cluster: %w:\n%s", err, bytes.TrimSpace(out))
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("set up postgres: %w", err)
	}
	defer conf.Close()
	lines := append([]string{
		"port = " + strconv.Itoa(port),
		"listen_addresses = '127.0.0.1'",
		"unix_socket_directories = ''",
		"fsync = on", "synchronous_commit = on", "full_page_writes = on",
		"max_connections = 200",
		"shared_buffers = 64MB",
		"log_checkpoints = off",
		"timezone = 'UTC'",
	}, o.Settings...)
	for _, line := range lines {
		if _, err := fmt.Fprintln(conf, line); err != nil {
			return fmt.Errorf("set up postgres: %w", err)
		}
	}
	return nil
}

// DSN is the address of one database of the cluster; "postgres" always exists.
func (s *PostgresServer) DSN(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", postgresUser, s.Port, database)
}

func (s *PostgresServer) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return s.Ready(ctx, func(ctx context.Context) error { return s.exec(ctx, "SELECT 1") })
}

// CreateDatabase makes an empty database and returns its DSN. The name must be
// plain letters, digits and underscores.
func (s *PostgresServer) CreateDatabase(ctx context.Context, name string) (string, error) {
	err := s.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	if err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	return s.DSN(name), nil
}

// DropDatabase removes a database and ends the connections that use it.
func (s *PostgresServer) DropDatabase(ctx context.Context, name string) error {
	err := s.exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
	if err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

func (s *PostgresServer) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// Restart ends the server by a fast shutdown if it runs, starts it on the same
// port and files and waits until it answers, after a crash with its recovery.
func (s *PostgresServer) Restart(ctx context.Context) error {
	if err := restart(ctx, s.Process); err != nil {
		return err
	}
	return s.ready(ctx)
}

// Close kills the server and removes its files.
func (s *PostgresServer) Close() {
	if s.Process != nil {
		s.Kill()
	}
	_ = os.RemoveAll(s.dir)
}
