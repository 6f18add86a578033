//! RPM repository metadata: read, cut into fragments, write.
