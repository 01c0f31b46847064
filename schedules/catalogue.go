package schedules

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed catalogue
var catalogue embed.FS

// Catalogue gives the definition files that ship in the binary, by path.
func Catalogue() ([]Source, error) {
	var sources []Source
	err := fs.WalkDir(catalogue, "catalogue", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := catalogue.ReadFile(path)
		sources = append(sources, Source{Name: path, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return sources, nil
}
