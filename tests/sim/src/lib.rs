//! The proof by faults.
//!
//! Whole checkouts run in virtual time: the checked-in state machines, interpreted ([`asl`]), call the real step code on
//! the in-memory adapters ([`cloud`]), on one thread whose order of events the seed chooses ([`virtual_time`]). A plan
//! says what goes wrong and where ([`faults`], [`cases`]). At the end the partners' own books decide ([`verdict`]).
//!
//! `make sim` runs the matrix; `make sim CASE=… SEED=…` replays one run with its whole history.

pub mod adapters;
pub mod asl;
pub mod cases;
pub mod cloud;
pub mod faults;
pub mod history;
pub mod machines;
pub mod matrix;
pub mod random;
pub mod verdict;
pub mod virtual_time;
