//! A real transaction of rpm beside the read.
