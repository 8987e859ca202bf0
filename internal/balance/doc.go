// Package balance changes what users have, and shows the ledger of it.
//
// It owns the statements of db/queries/ledger_entries.sql and the rules W1 to W3. The ledger itself is kept by a trigger on auth.users
// (migrations 024, 025 and 044): a change made here announces itself to that trigger in the same statement. The trigger believes a member of
// auth_serving or the owner; every other change is entered as external. So nothing here writes an entry, and the serving role needs no right to. Whoever is deactivated
// keeps a balance that can be charged and credited: what is owed does not hang on who may sign in. It knows no HTTP and no
// credential: who may change a balance is decided above.
//
// When the build breaks here after a change of schema: toEntry names each column of an entry once. The name of the setting by which
// a change is announced stands in the trigger and in ChangeBalance, and a released migration is never edited.
package balance
