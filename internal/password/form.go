package password

import (
	"errors"
	"regexp"

	"golang.org/x/crypto/bcrypt"
)

// A hash of cost n takes 2^n rounds.
const (
	// DefaultCost is for new hashes.
	DefaultCost = bcrypt.DefaultCost
	// UsualCost is the highest cost that shares places.
	UsualCost = 12
	// DefaultMaxCost bounds checked hashes.
	DefaultMaxCost = 14
)

// Unusable is a hash that no password fits, as in shadow(5).
const Unusable = "!"

var (
	// ErrMismatch reports a wrong password.
	ErrMismatch = errors.New("the password does not fit the hash")
	// ErrNotBcrypt reports other text.
	ErrNotBcrypt = errors.New("the hash is not bcrypt's")
	// ErrTooCostly reports a cost above the bound.
	ErrTooCostly = errors.New("the cost of the hash is above the bound")
)

// auth.bcrypt_cost and internal/schema use the same form.
var bcryptForm = regexp.MustCompile(`^\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// CostOf returns a hash's cost or ErrNotBcrypt.
func CostOf(hash string) (int, error) {
	if !bcryptForm.MatchString(hash) {
		return 0, ErrNotBcrypt
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil {
		return 0, ErrNotBcrypt
	}
	return cost, nil
}
