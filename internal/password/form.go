package password

import (
	"errors"
	"regexp"

	"golang.org/x/crypto/bcrypt"
)

// Costs of bcrypt. A hash of cost n takes 2^n rounds.
const (
	// DefaultCost is the cost of the hashes that Hash makes, where no option sets another.
	DefaultCost = bcrypt.DefaultCost
	// UsualCost is the highest cost that shares places with the others. A higher one has a place of its own.
	UsualCost = 12
	// DefaultMaxCost bounds the cost of a hash that is checked, where no setting does.
	DefaultMaxCost = 14
)

// Unusable is a hash that no password fits, as in shadow(5).
const Unusable = "!"

// Errors of Verify.
var (
	// ErrMismatch says that the password does not fit the hash.
	ErrMismatch = errors.New("the password does not fit the hash")
	// ErrNotBcrypt says that the text is no bcrypt hash. No password fits it.
	ErrNotBcrypt = errors.New("the hash is not bcrypt's")
	// ErrTooCostly says that checking the hash would take more work than is allowed.
	ErrTooCostly = errors.New("the cost of the hash is above the bound")
)

// bcryptForm is a whole hash: dialect, cost, 22 characters of salt, 31 of hash. auth.bcrypt_cost and internal/schema read the same.
var bcryptForm = regexp.MustCompile(`^\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// CostOf returns the cost of a bcrypt hash of any dialect, and ErrNotBcrypt for any other text. It computes nothing.
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
