//! The ids of the embedded markets, one constant per file.

use crate::MarketId;

include!(concat!(env!("OUT_DIR"), "/ids.rs"));
