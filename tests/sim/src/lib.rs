//! x
pub mod asl;
pub mod random;
pub mod virtual_time;
