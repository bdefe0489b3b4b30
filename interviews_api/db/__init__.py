"""The database: connections, column types, prepared statements, pages."""
