//! Object storage: S3 addresses, credentials and a client for whoever reads or stages objects.
