//! Channels, versions, sync, push, publication and upkeep of content.
