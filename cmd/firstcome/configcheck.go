package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"firstcome/engine/redisgate"
	"firstcome/ledger/kafkalog"
)

// connectWait bounds what config check waits for each service.
const connectWait = 5 * time.Second

func (h *hall) configCommand() *cobra.Command {
	return parent("config", "Look at the configuration",
		"Every key can be a flag (--claim-deadline), a variable (FIRSTCOME_CLAIM_DEADLINE) or a line\nof the YAML file that --config names (claim-deadline: 3s); the first of these wins.",
		h.configCheck())
}

func (h *hall) configCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, knock at every service, show what is in force",
		Long:  "Reports everything that is wrong at once (exit code 2). Then it knocks at each service that is\nnamed (exit code 3 when one does not answer), and prints what is in force, secrets masked,\nand where each value comes from.",
		Example: `  firstcome config check --config /etc/firstcome.yaml
  FIRSTCOME_REDIS=redis://localhost firstcome config check`,
		Args: cobra.NoArgs,
	}
	keyFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := h.config(cmd)
		if err != nil {
			return err
		}
		if err := h.printConfig(c); err != nil {
			return err
		}
		if c.relayed() {
			return h.knock(cmd.Context(), "redis", true, knockRedis, c)
		}
		return errors.Join(h.knock(cmd.Context(), "kafka", c.cluster(), knockKafka, c),
			h.knock(cmd.Context(), "redis", c.Redis != "", knockRedis, c),
			h.knock(cmd.Context(), "postgres", c.Postgres != "", knockPostgres, c))
	}
	return cmd
}

// printConfig prints what is in force as YAML that can be read back, once the
// secrets are filled in.
func (h *hall) printConfig(c *Config) error {
	w := tabwriter.NewWriter(h.out, 0, 4, 2, ' ', 0)
	for _, k := range keys {
		from := c.from[k.name]
		if from == "" {
			from = fromDefault
		}
		fmt.Fprintf(w, "%s: %q\t# %s\n", k.name, k.show(c), from)
	}
	return w.Flush()
}

// knock asks one service for a sign of life and says how it went.
func (h *hall) knock(ctx context.Context, name string, given bool, at func(context.Context, *Config) error, c *Config) error {
	if !given {
		h.say("%s: embedded", name)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	if err := at(ctx, c); err != nil {
		return err
	}
	h.say("%s: answers", name)
	return nil
}

func knockKafka(ctx context.Context, c *Config) error {
	_, err := kafkalog.VerifyTopic(ctx, kafkaConfig(c, silent()))
	return kafkaError(err, c)
}

func knockRedis(ctx context.Context, c *Config) error {
	nameDriver(silent())
	client, err := redisgate.Connect(c.Redis, redisgate.Config{})
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return unreachable(client.Address().String(), err)
	}
	return nil
}
