//! Elementary functions, each written once over [`Lanes`](crate::lanes::Lanes).
