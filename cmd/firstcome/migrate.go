package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"firstcome/ledger/postgres"
)

func (h *hall) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the ledger's schema in Postgres up to date",
		Long:  "Every node does this when it starts, one at a time. The verb is for databases whose everyday\nuser may not change the schema. Done already is no error.",
		Example: `  firstcome migrate --postgres postgres://owner@db/firstcome
  FIRSTCOME_POSTGRES=file:/run/secrets/dsn firstcome migrate`,
		Args: cobra.NoArgs,
	}
	keyFlags(cmd, "postgres")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := h.config(cmd, "postgres")
		if c.from["postgres"] == "" {
			return usage("postgres is needed: --postgres postgres://... or FIRSTCOME_POSTGRES")
		}
		if err != nil {
			return err
		}
		server, err := postgres.Open(c.Postgres)
		if err != nil {
			return err
		}
		defer server.Close()
		if err := server.Migrate(cmd.Context(), slog.New(slog.NewTextHandler(h.err, nil))); err != nil {
			return postgresError(err, c)
		}
		fmt.Fprintln(h.out, "the ledger's schema is up to date")
		return nil
	}
	return cmd
}

// postgresError tells a server that does not answer from one that refuses.
func postgresError(err error, c *Config) error {
	if postgres.Away(err) {
		return unreachable("postgres at "+maskURL(c.Postgres), err)
	}
	return err
}

// knockPostgres asks the ledger for a sign of life.
func knockPostgres(ctx context.Context, c *Config) error {
	server, err := postgres.Open(c.Postgres)
	if err != nil {
		return err
	}
	defer server.Close()
	if _, err := server.Now(ctx); err != nil {
		return postgresError(fmt.Errorf("knock at postgres: %w", err), c)
	}
	return nil
}
