// Command obvious compares two CSV files by their first column as anybody would
// write it: both in memory, in maps.
//
//	go run ./bench/obvious OLD NEW
package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
)

func main() {
	older, newer := read(os.Args[1]), read(os.Args[2])
	added, removed, changed := 0, 0, 0
	for key, row := range newer {
		switch before, ok := older[key]; {
		case !ok:
			added++
		case !slices.Equal(before, row):
			changed++
		}
	}
	for key := range older {
		if _, ok := newer[key]; !ok {
			removed++
		}
	}
	fmt.Printf("{\"added\":%d,\"removed\":%d,\"changed\":%d}\n", added, removed, changed)
}

func read(path string) map[string][]string {
	file, err := os.Open(path) //nolint:gosec // what the caller asked for
	if err != nil {
		panic(err)
	}
	defer file.Close()
	rows, records := map[string][]string{}, csv.NewReader(file)
	for {
		row, err := records.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			panic(err)
		}
		rows[row[0]] = row
	}
}
