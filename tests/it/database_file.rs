//! What can happen to the file of a database.
