package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"auth-v2-service/internal/schema"
)

type adoptCommand struct {
	safeguard
	DryRun   bool          `help:"Report what would change and which rows stand in the way, and change nothing."`
	Patience time.Duration `help:"How long a step tries to get a lock that others hold." default:"1m"`
}

func (c adoptCommand) Run() error {
	return onSchema(c.adopt)
}

func (c adoptCommand) adopt(ctx context.Context, o schema.Options) error {
	o.Patience = c.Patience
	adopt := schema.Adopt
	if c.DryRun {
		adopt = schema.Look
	} else if err := c.hold(ctx, o); err != nil {
		return err
	}
	survey, err := adopt(ctx, o)
	if err != nil {
		return err
	}
	printSurvey(survey, c.DryRun)
	switch {
	case len(survey.Obstacles) > 0:
		return failure{errors.New("nothing was changed: clear what stands in the way, then run it again"), differs}
	case c.DryRun:
		fmt.Println("Nothing stands in the way, and nothing was changed: run it without --dry-run.")
		return nil
	}
	return validateCommand{}.compare(ctx, o)
}

func printSurvey(s schema.Survey, dryRun bool) {
	fmt.Printf("auth.users holds %d people\n", s.People)
	did := "altered"
	if dryRun || len(s.Obstacles) > 0 {
		did = "would alter"
	}
	for _, alteration := range s.Alterations {
		fmt.Printf("%s: %s\n", did, alteration.What)
	}
	if len(s.Pending) > 0 {
		fmt.Printf("migrations: %s\n", strings.Join(s.Pending, ", "))
	}
	for _, own := range s.Own {
		fmt.Printf("your own, left alone: %s %s\n", own.Kind, own.Name)
	}
	printObstacles("worth knowing", s.Notes)
	printObstacles("in the way", s.Obstacles)
}

func printGroups(o schema.Obstacle) {
	for _, group := range o.Groups {
		fmt.Printf("   %.120q is shared by %d rows: %s", group.Value, group.Count, strings.Join(group.Rows, ", "))
		if more := group.Count - len(group.Rows); more > 0 {
			fmt.Printf(" and %d more", more)
		}
		fmt.Println()
	}
	if o.MoreGroups > 0 {
		fmt.Printf("   and %d more groups\n", o.MoreGroups)
	}
}

func printObstacles(head string, obstacles []schema.Obstacle) {
	for _, o := range obstacles {
		if o.Count == 0 {
			fmt.Printf("%s: %s (%s)\n", head, o.What, o.Hint)
			continue
		}
		fmt.Printf("%s: %d %s (%s)\n", head, o.Count, o.What, o.Hint)
		for _, id := range o.Rows {
			fmt.Println("  ", id)
		}
		if more := o.Count - len(o.Rows); more > 0 && len(o.Groups) == 0 {
			fmt.Printf("   and %d more\n", more)
		}
		printGroups(o)
	}
}
