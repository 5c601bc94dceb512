//! Lovense.
