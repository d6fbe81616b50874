//! The model layer: fitting of parameters, trajectories and experiments over compiled programs.
//!
//! It uses the public interface of the compiler only, and holds no mathematics of models: those are programs.
//!
//! * [`fit`]: parameters from data, with what the data say about them and what they do not.
//! * [`ode`]: trajectories of differential equations.

pub mod fit;
pub mod ode;
mod picture;

pub use self::picture::Image;
