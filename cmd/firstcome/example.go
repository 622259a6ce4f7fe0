package main

import (
	"context"
	"errors"
	"fmt"

	"firstcome/engine"
	"firstcome/engine/fold"
)

// exampleID is the campaign that the embedded shape opens at its first start.
const exampleID = "welcome"

// openExample makes and opens the example campaign, once: when there is one of
// that id already, whatever became of it, nothing happens. It returns the id
// when it is open.
func openExample(ctx context.Context, e *engine.Engine) (string, error) {
	by := engine.Actor{Subject: "firstcome", Reason: "the example of the first start"}
	campaign, err := e.Campaign(exampleID)
	if errors.Is(err, engine.ErrNotFound) {
		limit := int64(100)
		campaign, _, err = e.Create(ctx, engine.Campaign{
			ID:          exampleID,
			Title:       "환영합니다 / Welcome",
			Description: "선착순 100명, 그다음은 대기자 명단입니다.\nThe first 100 are in; after them there is a waiting list.",
			Kind:        "event",
			Cap:         &limit,
			WaitlistCap: 1000,
		}, by, false)
		if err != nil {
			return "", fmt.Errorf("make the example campaign: %w", err)
		}
		campaign, err = e.Move(ctx, exampleID, engine.Open, 0, by, false)
	}
	if err != nil {
		return "", fmt.Errorf("open the example campaign: %w", err)
	}
	if campaign.Status != fold.Open {
		return "", nil
	}
	return exampleID, nil
}
