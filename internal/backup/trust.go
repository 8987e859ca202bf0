package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Owner is a role with code in a backup.
type Owner struct {
	Role    string `json:"role"`
	Object  string `json:"object"`
	Objects int64  `json:"objects"`
}

func (o Owner) String() string {
	if o.Objects == 1 {
		return fmt.Sprintf("%s (%s)", o.Role, o.Object)
	}
	return fmt.Sprintf("%s (%s and %d more)", o.Role, o.Object, o.Objects-1)
}

// refuseStrangers protects this role's rights: a restore evaluates other roles' checks, indexes and materialized views. A VerifyURL on
// another server is trusted to hold nothing else.
func (m Manifest) refuseStrangers(ctx context.Context, o Options, host *server) error {
	if o.VerifyURL != "" && host.SystemIdentifier != m.SystemIdentifier {
		return nil
	}
	var roles []string
	for _, owner := range m.Owners {
		roles = append(roles, owner.Role)
	}
	strangers, err := column[string](ctx, host, strangersQuery, roles)
	if err != nil {
		return fmt.Errorf("ask whose code the backup holds: %w", err)
	}
	if len(strangers) == 0 {
		return nil
	}
	var named []string
	for _, owner := range m.Owners {
		if slices.Contains(strangers, owner.Role) {
			named = append(named, owner.String())
		}
	}
	return fmt.Errorf("restoring it would run what other roles have written as %s: %s. Name a server of its own in BACKUP_VERIFY_URL, connect "+
		"as the role that they belong to, or back up the schema auth alone", host.Config().User, strings.Join(named, ", "))
}
