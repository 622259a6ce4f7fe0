package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"firstcome/engine"
	"firstcome/ledger/kafkalog"
	"firstcome/ledger/locallog"
	"firstcome/ledger/postgres"
	"firstcome/ledger/sqlite"
)

func (h *hall) ledgerCommand() *cobra.Command {
	return parent("ledger", "Ways back when log or ledger is damaged",
		`Each verb says first what it would do, and does it only with --confirm. Copy the
data directory, or the topic and the database, before any.`,
		h.rebuildCommand(), h.resumeCommand(), h.skipCommand())
}

// confirms gives a verb the flag without which it only says what it would do.
func confirms(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Bool("confirm", false, "do it; else only say what would be done")
	keyFlags(cmd)
	return cmd
}

// confirmed is usage, exit code 2, unless --confirm is given.
func confirmed(cmd *cobra.Command, would string) error {
	if yes, err := cmd.Flags().GetBool("confirm"); err != nil || yes {
		return err
	}
	return usage("%s; nothing was done, --confirm does it", would)
}

func (h *hall) rebuildCommand() *cobra.Command {
	cmd := confirms(&cobra.Command{
		Use:   "rebuild",
		Short: "Set the ledger's book aside; it is written anew from the log",
		Long: `For a book that is damaged, was changed by hand, or refuses a record of the log. The
book is moved aside, not deleted: book.db to book-<time>.db in the data directory, the
tables in Postgres to a schema of their own; notices and the ledger's rate stay. Then it
is written anew from the log, at the ledger's rate; claims go on meanwhile. The log must
be whole from its start.

Embedded: end the node first, start it afterwards. In a cluster nodes may run, but
restart those whose ledger has stopped.`,
		Example: "  firstcome ledger rebuild --data /var/lib/firstcome --confirm\n  firstcome ledger rebuild --config /etc/firstcome.yaml --confirm",
		Args:    cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := h.config(cmd)
		if err != nil {
			return err
		}
		return h.rebuild(cmd, c)
	}
	return cmd
}

func (h *hall) rebuild(cmd *cobra.Command, c *Config) (err error) {
	ctx := cmd.Context()
	var data *dataDir
	if c.embedded() {
		if data, err = openDataDir(c.Data); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, data.close()) }()
	}
	if err := h.logIsWhole(ctx, c, data); err != nil {
		return err
	}
	if c.Postgres == "" {
		return h.rebuildFile(cmd, filepath.Join(data.path, "book.db"))
	}
	if err := confirmed(cmd, "the book in "+maskURL(c.Postgres)+" would be moved to a schema of its own"); err != nil {
		return err
	}
	server, err := postgres.Open(c.Postgres)
	if err != nil {
		return err
	}
	defer server.Close()
	schema, err := server.SetAside(ctx, slog.New(slog.NewTextHandler(h.err, nil)))
	if err != nil {
		return postgresError(err, c)
	}
	fmt.Fprintf(h.out, "the old book is in schema %s; nodes write it anew from the log, restart those whose ledger has stopped\n", schema)
	return nil
}

// rebuildFile moves a book's files aside. The write-ahead log goes first: beside
// a new book it would be taken for that book's.
func (h *hall) rebuildFile(cmd *cobra.Command, path string) error {
	aside := filepath.Join(filepath.Dir(path), "book-"+time.Now().UTC().Format("20060102150405")+".db")
	if err := confirmed(cmd, path+" would be moved to "+aside); err != nil {
		return err
	}
	for _, ext := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+ext, aside+ext); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set the book aside: %w", err)
		}
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := sqlite.Carry(cmd.Context(), aside, path, silent()); err != nil {
		fmt.Fprintf(h.err, "notices and the ledger's rate are lost, the old book does not give them: %v\n", err)
	}
	fmt.Fprintf(h.out, "the old book is %s; the next start writes it anew from the log\n", aside)
	return nil
}

// logIsWhole says whether a book could be written from the log's start.
func (h *hall) logIsWhole(ctx context.Context, c *Config, data *dataDir) error {
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	log, shut, err := openLog(ctx, c, data)
	if err != nil {
		return err
	}
	defer shut()
	_, starts, _, err := log.Describe(ctx)
	if err != nil {
		return err
	}
	for p, start := range starts {
		if start > 0 {
			return fmt.Errorf("partition %d of the log begins at %d: what came before is in the book only, which therefore cannot be written anew", p, start)
		}
	}
	return nil
}

// openLog opens the log that is there; it makes none.
func openLog(ctx context.Context, c *Config, data *dataDir) (log engine.Log, shut func(), err error) {
	ends := func(end func(context.Context) error) func() {
		return func() {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			_ = end(last) // nothing was appended that is not answered
		}
	}
	if !c.cluster() {
		path := filepath.Join(data.path, "log.db")
		if _, err := os.Stat(path); err != nil {
			return nil, nil, fmt.Errorf("there is no log: %w", err)
		}
		l, err := locallog.Open(ctx, locallog.Config{Path: path, Partitions: c.KafkaPartitions, Logger: silent()})
		if err != nil {
			return nil, nil, err
		}
		return l, ends(l.Close), nil
	}
	l, err := openTopic(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return l, ends(l.Close), nil
}

// openTopic opens a topic that is there.
func openTopic(ctx context.Context, c *Config) (*kafkalog.Log, error) {
	cfg := kafkaConfig(c, silent())
	if _, err := kafkalog.VerifyTopic(ctx, cfg); err != nil {
		return nil, kafkaError(err, c)
	}
	l, err := kafkalog.Open(ctx, cfg)
	return l, kafkaError(err, c)
}
