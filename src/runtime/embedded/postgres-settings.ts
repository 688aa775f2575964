/** How the embedded PostgreSQL runs, as `-c` options: private, durable, for a small ledger, silent about contents. */
export const postgresSettings: readonly string[] = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "shared_buffers=128MB",
  "huge_pages=off",
  "fsync=on",
  "synchronous_commit=on",
  // No replica will ever follow it.
  "wal_level=minimal",
  "max_wal_senders=0",
  "wal_compression=on",
  "max_wal_size=1GB",
  "checkpoint_timeout=15min",
  "jit=off",
  "timezone=UTC",
  "logging_collector=off",
  "log_checkpoints=off",
  // Statements and error details quote rows, and rows hold prompts.
  "log_min_error_statement=panic",
  "log_error_verbosity=terse",
  "log_parameter_max_length=0",
  "log_parameter_max_length_on_error=0",
];
