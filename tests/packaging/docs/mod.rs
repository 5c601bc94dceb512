//! The documentation: what it tells to type is typed, what it links to is there, what it shows is
//! accepted, and what it says the log says stands in the source.

mod commands;
mod dashboard;
mod elsewhere;
mod examples;
mod links;
mod log_lines;
mod pages;
mod sandbox;
