//! Restaurants: one file per cuisine.

mod burgers;
mod cafe;
mod chinese;
mod diner;
mod drinks;
mod ethiopian;
mod fried_chicken;
mod indian;
mod mediterranean;
mod mexican;
mod pies;
mod pizza;
mod poke;
mod poutine;
mod puerto_rican;
mod ramen;
mod sushi;
mod thai;
mod vietnamese;

pub(crate) use drinks::drinks;

use crate::assortment::Assortment;

/// Every cuisine.
pub(crate) const CUISINES: &[Assortment] = &[
    ramen::RAMEN,
    pizza::PIZZA,
    burgers::BURGERS,
    mexican::MEXICAN,
    thai::THAI,
    indian::INDIAN,
    sushi::SUSHI,
    ethiopian::ETHIOPIAN,
    puerto_rican::PUERTO_RICAN,
    cafe::CAFE,
    vietnamese::VIETNAMESE,
    mediterranean::MEDITERRANEAN,
    fried_chicken::FRIED_CHICKEN,
    poke::POKE,
    pies::PIES,
    poutine::POUTINE,
    chinese::CHINESE,
    diner::DINER,
];
