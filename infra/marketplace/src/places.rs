//! Points near other points.

use carryout_checkout::store::Location;
use fastrand::Rng;
use std::f64::consts::TAU;

/// Metres per degree of latitude, on the sphere that [`Location::metres_to`] measures on.
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A point less than `metres` from `centre`, even over the disc, to five decimals (about a metre).
pub(crate) fn near(centre: Location, metres: f64, rng: &mut Rng) -> Location {
    let (distance, bearing) = (metres * rng.f64().sqrt(), TAU * rng.f64());
    let north = distance * bearing.cos() / METRES_PER_DEGREE;
    let east = distance * bearing.sin() / (METRES_PER_DEGREE * centre.lat.to_radians().cos());
    Location { lat: to_five_decimals(centre.lat + north), lng: to_five_decimals(centre.lng + east) }
}

fn to_five_decimals(degrees: f64) -> f64 {
    (degrees * 100_000.0).round() / 100_000.0
}
