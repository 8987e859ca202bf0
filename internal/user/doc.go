// Package user is the row of auth.users and its life: first sight, linking, following its account at Firebase, revocation,
// renaming, deletion.
//
// It owns every statement of db/queries/users.sql, user_sync.sql and admin_users.sql and the rules F1 to F10, S1 and A7 (of one row
// and its account) and T4 (the instant, not the cache). It knows no HTTP and no password, and keeps no facts about a person: whoever
// does learns of each change through [Options].OnChange. Who may call is decided above, in internal/principal and internal/account;
// what is decided here is that an operator who acts is still one, and that one is always left. Firebase is one small interface
// ([Accounts]), asked where two accounts claim one address (F7; that such a dispute could not be settled is remembered for half a
// minute, so that nobody makes us ask more often), where a row is to follow its account, and where an operator changes an address.
//
// When the build breaks here after a change of schema: fromRow names each column once; the queries that return a person must
// list the same columns in the same order.
package user
