package config

import "time"

// Date is a day in UTC, such as 2027-06-30, or zero.
type Date struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		return nil
	}
	d.Time, err = time.Parse(time.DateOnly, string(text))
	return err
}
