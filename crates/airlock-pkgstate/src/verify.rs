//! Verification of installed packages: their files, dependencies, digests and signatures.
