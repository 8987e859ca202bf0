package app

import (
	"context"
	"fmt"

	"auth-v2-service/internal/intent"
)

func (p *parts) settle(ctx context.Context, i intent.Intent) (settled bool, err error) {
	switch i.Kind {
	case intent.Password, intent.Bring:
		return p.accounts.SettlePassword(ctx, i)
	case intent.Delete:
		return p.accounts.SettleDelete(ctx, i)
	case intent.Change:
		return p.users.SettleChange(ctx, i)
	case intent.Displace:
		return p.mover.SettleDisplacement(ctx, i)
	case intent.Move:
		return p.mover.SettleMove(ctx, i)
	}
	return false, fmt.Errorf("nothing here completes a change of the kind %q", i.Kind)
}
