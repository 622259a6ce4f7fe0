package fault

import (
	"context"
	"time"
)

// postgresScenarios break the ledger. No claim waits for it.
var postgresScenarios = []*Scenario{
	{Name: "P1", What: "Postgres is killed and started again, over and over", Workload: "W3",
		Long: 8 * time.Second, Short: 4 * time.Second, Do: postgresKilled},
	{Name: "P2", What: "Postgres is down during a stampede", Workload: "W1", Slowest: quick,
		Long: 60 * time.Second, Short: 4 * time.Second, Do: postgresDown},
	{Name: "P3", What: "the answers to COMMIT are lost, the connection is reset or goes silent", Workload: "W3",
		Long: 8 * time.Second, Short: 4 * time.Second, Do: commitsSwallowed},
}

func postgresKilled(ctx context.Context, s *Strike) error {
	for end := time.Now().Add(s.For); time.Now().Before(end); {
		s.Postgres.Kill()
		s.Mark("Postgres is killed")
		if err := s.Wait(ctx, s.Between(50*time.Millisecond, 500*time.Millisecond)); err != nil {
			return err
		}
		if err := s.Postgres.Restart(ctx); err != nil {
			return err
		}
		if err := s.Wait(ctx, s.Between(100*time.Millisecond, time.Second)); err != nil {
			return err
		}
	}
	return nil
}

func postgresDown(ctx context.Context, s *Strike) error {
	s.Postgres.Kill()
	s.Mark("Postgres dies")
	return s.Wait(ctx, s.For)
}

// commitsSwallowed loses the answers to commits that took place.
func commitsSwallowed(ctx context.Context, s *Strike) error {
	for _, n := range s.Links {
		n.Postgres.Swallow()
	}
	s.Mark("answers to COMMIT are lost")
	return s.Wait(ctx, s.For)
}
