package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to this release's. Each migration is one
// transaction. Two processes that open a new store at once both try: the loser
// of a migration finds that the version has moved, and looks again.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(goose.NewGoMigration(slimVersion, &goose.GoFunc{RunTx: slimVersions}, nil)))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	for seen := int64(-1); ; {
		current, target, err := provider.GetVersions(ctx)
		if err == nil && current > target {
			return fmt.Errorf("its schema has version %d, this release knows %d: use a newer release", current, target)
		}
		if err == nil && current == target {
			return nil
		}
		if err == nil {
			_, err = provider.Up(ctx)
		}
		if err != nil && current == seen {
			return fmt.Errorf("migrate: %w", err)
		}
		seen = current
	}
}
