package archtest

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The limits only fall: a test fails above its limit, and fails well below it until the limit is lowered.
const (
	commentRiddles = 12.8    // indirect words in 1,000 words of comments of hand-written Go
	commentWords   = 109_000 // words of comments of hand-written Go
	pageRiddles    = 0.4     // indirect words in 1,000 words of the pages
)

// indirect holds the words that name a person or a part by what it does. Plain English names it: the caller, the row, the instance.
var indirect = []string{"who", "whose", "whom", "whoever", "whatever", "nobody", "somebody", "anybody"}

var (
	singleWord = regexp.MustCompile(`[\p{L}\p{N}]+(?:['’]\p{L}+)?`)
	linkTarget = regexp.MustCompile(`\]\([^)\s]+\)`)
)

// tally is what was counted in one file.
type tally struct {
	file            string
	words, indirect int
}

func countWords(file, text string) tally {
	found := tally{file: file}
	for _, word := range singleWord.FindAllString(strings.ToLower(text), -1) {
		found.words++
		word, _, _ = strings.Cut(strings.ReplaceAll(word, "’", "'"), "'")
		if slices.Contains(indirect, word) {
			found.indirect++
		}
	}
	return found
}

// commentsOf returns the text of a Go file's comments, without directives. A generated file has none that count.
func commentsOf(t *testing.T, path, source string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(file) {
		return ""
	}
	var text strings.Builder
	for _, group := range file.Comments {
		text.WriteString(group.Text())
	}
	return text.String()
}

// proseOf returns the text of a page without its blocks of code and the targets of its links.
func proseOf(page string) string {
	return linkTarget.ReplaceAllString(fencedCode.ReplaceAllString(page, ""), "]")
}

func comments(t *testing.T) []tally {
	t.Helper()
	var all []tally
	for _, name := range tracked(t) {
		if filepath.Ext(name) == ".go" {
			all = append(all, countWords(name, commentsOf(t, name, readFile(t, name))))
		}
	}
	if len(all) < 300 {
		t.Fatalf("counted %d Go files, expected the whole repository", len(all))
	}
	return all
}

func pages(t *testing.T) []tally {
	t.Helper()
	var all []tally
	for _, name := range tracked(t) {
		if filepath.Ext(name) == ".md" {
			all = append(all, countWords(name, proseOf(readFile(t, name))))
		}
	}
	if len(all) < 20 {
		t.Fatalf("counted %d pages, expected the whole repository", len(all))
	}
	return all
}

// perThousand returns the indirect words in 1,000 words.
func perThousand(all []tally) float64 {
	words, found := 0, 0
	for _, one := range all {
		words += one.words
		found += one.indirect
	}
	return 1000 * float64(found) / float64(words)
}

// verdict returns "" for a figure at its limit or a little below, and otherwise what to do. The slack is 3 % of the limit, or two
// steps where that is more. The limit that it asks for is the figure with 1 % more, rounded up to a step.
func verdict(figure, limit, step float64) string {
	rounded := math.Round(100*figure) / 100
	switch {
	case figure > limit:
		return fmt.Sprintf("%.8g is above the limit of %.8g: write fewer", rounded, limit)
	case figure < limit-max(0.03*limit, 2*step):
		return fmt.Sprintf("%.8g is well below the limit of %.8g: lower the limit to %.8g", rounded, limit, math.Ceil(1.01*figure/step)*step)
	}
	return ""
}

// worst names the five files with the most of something.
func worst(all []tally, count func(tally) int) string {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b tally) int {
		return cmp.Or(cmp.Compare(count(b), count(a)), cmp.Compare(a.file, b.file))
	})
	var lines strings.Builder
	for _, one := range sorted[:min(5, len(sorted))] {
		fmt.Fprintf(&lines, "\n\t%s: %d", one.file, count(one))
	}
	return lines.String()
}

// Comments of hand-written Go name things, and do not grow.
func TestWords_Comments(t *testing.T) {
	t.Parallel()
	all := comments(t)
	if fault := verdict(perThousand(all), commentRiddles, 0.1); fault != "" {
		t.Errorf("%s in 1,000 words of comments: %s; the most are in%s",
			strings.Join(indirect, ", "), fault, worst(all, func(one tally) int { return one.indirect }))
	}
	total := 0
	for _, one := range all {
		total += one.words
	}
	if fault := verdict(float64(total), commentWords, 1000); fault != "" {
		t.Errorf("words of comments: %s; the most are in%s", fault, worst(all, func(one tally) int { return one.words }))
	}
}

// The pages name things.
func TestWords_Pages(t *testing.T) {
	t.Parallel()
	all := pages(t)
	if fault := verdict(perThousand(all), pageRiddles, 0.1); fault != "" {
		t.Errorf("%s in 1,000 words of the pages: %s; the most are in%s",
			strings.Join(indirect, ", "), fault, worst(all, func(one tally) int { return one.indirect }))
	}
}

// Comments count and code does not; prose counts and blocks of code and targets of links do not.
func TestWords_WhatCounts(t *testing.T) {
	t.Parallel()
	source := "// Package x says who.\npackage x\n\n//go:embed whose\nvar whom = \"// nobody\" /* Whoever's it is */\n"
	if got, want := countWords("x.go", commentsOf(t, "x.go", source)), (tally{"x.go", 7, 2}); got != want {
		t.Errorf("the comments count as %+v, expected %+v", got, want)
	}
	if got := commentsOf(t, "x.go", "// Code generated by y. DO NOT EDIT.\n\npackage x // who\n"); got != "" {
		t.Errorf("a generated file's comments are %q, expected none", got)
	}
	page := "# Who?\n\n```sh\nwho am i\n```\n\nThe [whole page](whose.md#nobody) of `anybody`.\n"
	if got, want := countWords("x.md", proseOf(page)), (tally{"x.md", 6, 2}); got != want {
		t.Errorf("the page counts as %+v, expected %+v", got, want)
	}
}

// A figure fails above its limit, and well below it with the limit to write.
func TestWords_Verdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		figure, limit, step float64
		want                string
	}{
		{12.04, 12.1, 0.1, ""},
		{12.11, 12.1, 0.1, "12.11 is above the limit of 12.1: write fewer"},
		{11.75, 12.1, 0.1, ""},
		{11.71, 12.1, 0.1, "lower the limit to 11.9"},
		{0.51, 0.7, 0.1, ""},
		{0.49, 0.7, 0.1, "lower the limit to 0.5"},
		{97100, 100000, 1000, ""},
		{96500, 100000, 1000, "lower the limit to 98000"},
	} {
		got := verdict(c.figure, c.limit, c.step)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%g at a limit of %g is %q, expected %q", c.figure, c.limit, got, c.want)
		}
	}
}

// The files with the most come first, and five of them.
func TestWords_Worst(t *testing.T) {
	t.Parallel()
	all := []tally{{"a", 0, 1}, {"b", 0, 6}, {"c", 0, 2}, {"d", 0, 3}, {"e", 0, 4}, {"f", 0, 5}}
	if got, want := worst(all, func(one tally) int { return one.indirect }), "\n\tb: 6\n\tf: 5\n\te: 4\n\td: 3\n\tc: 2"; got != want {
		t.Errorf("the worst are %q, expected %q", got, want)
	}
}
