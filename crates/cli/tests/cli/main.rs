//! The command line from end to end, in one binary.

mod command;

mod complex;
mod eml;
mod everyday;
mod explain;
mod fitting;
mod help;
mod imports;
mod messy;
mod notices;
mod programs;
mod trajectories;
mod tutorials;
