//! A simulated Lovense app and simulated toys.
