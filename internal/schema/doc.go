// Package schema brings the database to what this binary was built for, and says whether it is there.
//
// It holds design rule D1: of many instances that start at once one applies the pending migrations and the others wait.
// It runs db/migrations through dbmate and may read the catalogue; it knows nobody in auth.users.
package schema
