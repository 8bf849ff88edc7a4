//! When stores are open.

use carryout_checkout::store::Opening;
use fastrand::Rng;

const MIDNIGHT: u16 = 1_440;
const MONDAY: i8 = 1;
const FRIDAY: i8 = 5;
const SATURDAY: i8 = 6;
const SUNDAY: i8 = 7;

/// A habit of opening. The minutes differ a little from store to store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hours {
    /// Never closes.
    AroundTheClock,
    /// Lunch and dinner with a break; some rest on Monday.
    LunchAndDinner,
    /// From late morning to the evening, an hour longer at the weekend.
    AllDay,
    /// From the afternoon until after midnight.
    Late,
    /// From early morning to the afternoon.
    Morning,
    /// A grocery's long day.
    Long,
    /// A shop's day, shorter on Sunday.
    Shop,
    /// One market morning a week.
    SaturdayMorning,
}

impl Hours {
    /// The openings of a week, each day in order.
    pub(crate) fn openings(self, rng: &mut Rng) -> Vec<Opening> {
        let later = 30 * rng.u16(0..=1);
        let every_day = |from, until| (MONDAY..=SUNDAY).map(|weekday| Opening { weekday, from, until }).collect();
        match self {
            Self::AroundTheClock => every_day(0, MIDNIGHT),
            Self::LunchAndDinner => {
                let first = if rng.u8(0..4) == 0 { MONDAY + 1 } else { MONDAY };
                (first..=SUNDAY)
                    .flat_map(|weekday| {
                        let lunch = Opening { weekday, from: 11 * 60 + later, until: 14 * 60 + 30 };
                        [lunch, Opening { weekday, from: 17 * 60, until: 21 * 60 + 30 + later }]
                    })
                    .collect()
            }
            Self::AllDay => (MONDAY..=SUNDAY)
                .map(|weekday| {
                    let weekend = if matches!(weekday, FRIDAY | SATURDAY) { 60 } else { 0 };
                    Opening { weekday, from: 11 * 60 + later, until: 21 * 60 + 30 + later + weekend }
                })
                .collect(),
            Self::Late => {
                let until = MIDNIGHT + 60 * rng.u16(1..=3) + later;
                every_day(16 * 60 + later, until)
            }
            Self::Morning => every_day(6 * 60 + 30 + later, 15 * 60 + later),
            Self::Long => every_day(6 * 60 + 30 + later, 22 * 60 + later),
            Self::Shop => (MONDAY..=SUNDAY)
                .map(|weekday| {
                    let (from, until) = if weekday == SUNDAY { (11 * 60, 17 * 60) } else { (9 * 60 + later, 18 * 60 + later) };
                    Opening { weekday, from, until }
                })
                .collect(),
            Self::SaturdayMorning => vec![Opening { weekday: SATURDAY, from: 8 * 60, until: 12 * 60 + later }],
        }
    }
}
