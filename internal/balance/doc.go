// Package balance changes users' balances and shows their ledger.
//
// It holds W1 to W3. A trigger on auth.users writes the ledger (migrations 024, 025 and 044); ChangeBalance announces each change to it.
// The trigger believes members of auth_serving and the owner; other changes are external. A deactivated user's balance can still change.
//
// When the build breaks here after a schema change: toEntry names each column once. The trigger and ChangeBalance share the setting's name.
package balance
