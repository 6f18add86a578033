//! The database: SQLite and PostgreSQL behind one file per aggregate.
