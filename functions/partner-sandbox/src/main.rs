//! Plays the partners: keeps books, and fails as told.

fn main() {}
