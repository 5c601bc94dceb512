//! The `toy2mqtt` command.

fn main() {}
