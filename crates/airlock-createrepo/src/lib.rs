//! airlock createrepo: repository metadata for a plain folder of RPM files.
