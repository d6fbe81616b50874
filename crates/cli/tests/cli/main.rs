//! The command line from end to end, in one binary.

mod command;

mod complex;
mod eml;
mod help;
mod programs;
