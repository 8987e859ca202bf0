package user

import (
	"reflect"
	"testing"
	"time"

	"auth-v2-service/gen/db"
)

// A column of a user that FromRow leaves out would be read and never seen.
func TestFromRow_ReadsEachColumn(t *testing.T) {
	t.Parallel()
	none := FromRow(db.UserByIDRow{})
	columns := reflect.TypeFor[db.UserByIDRow]()
	for i := range columns.NumField() {
		row := reflect.New(columns).Elem()
		set(t, row.Field(i))
		if u := FromRow(row.Interface().(db.UserByIDRow)); reflect.DeepEqual(u, none) {
			t.Errorf("FromRow reads nothing of %s", columns.Field(i).Name)
		}
	}
}

// set gives a field a value that is no default.
func set(t *testing.T, field reflect.Value) {
	t.Helper()
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		if field.Elem().Kind() == reflect.Bool {
			return // false is no default
		}
		set(t, field.Elem())
		return
	}
	switch value := field.Addr().Interface().(type) {
	case *string:
		*value = "another"
	case *bool:
		*value = true
	case *int32:
		*value = 7
	case *int64:
		*value = 7
	case *time.Time:
		*value = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	default:
		if field.Kind() != reflect.Array {
			t.Fatalf("no value for a %s: add one", field.Type())
		}
		field.Index(0).SetUint(7) // a UUID
	}
}
