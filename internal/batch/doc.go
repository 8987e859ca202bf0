// Package batch answers concurrent questions with one database statement. It knows no SQL, user or HTTP.
//
// There is no timer: the first question goes alone and at once. Later ones wait for a free worker. So low load changes nothing, and high
// load makes larger groups.
//
// It holds its share of O3: a canceled caller returns at once, a group's time is limited, a hanging group blocks one worker, and an outage
// is one answer to all.
package batch
