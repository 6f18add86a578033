//! RPM files: validated headers, versions, signatures and digests.
