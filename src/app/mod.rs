//! Composition, the driver loop, ordered shutdown.
