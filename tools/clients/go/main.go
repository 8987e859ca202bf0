// Command clients runs ogen's and oapi-codegen's clients against AUTH_URL.
package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// flow mirrors flows/flow.ts.
type flow struct {
	name string
	run  func(ctx context.Context, url, email string) error
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, f := range []flow{{"ogen", runOgen}, {"oapi-codegen", runOapi}} {
		email := fmt.Sprintf("%s-%d@example.com", f.name, time.Now().UnixNano())
		if err := f.run(ctx, os.Getenv("AUTH_URL"), email); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", f.name, err)
			os.Exit(1)
		}
		fmt.Println("ok   ", f.name)
	}
}

const password = "TestPassword123"
