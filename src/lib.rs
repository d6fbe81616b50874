//! A JIT compiler for Scheme physics expressions.
