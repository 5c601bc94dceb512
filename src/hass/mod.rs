//! Home Assistant: discovery, states, and what its commands mean. Pure.
