//! Downloads: upstreams over HTTP(S) and file, verified while streaming.
