//! Which slots belong to the same hour of people's day.

use crate::series::Series;

/// The local time of each slot of a series and of some after it, counted in slots.
#[derive(Debug, Clone)]
pub(crate) struct LocalTime {
    /// The slot in which local time began: slots since 1970, by the clock on the wall.
    local: Vec<i64>,
    per_day: usize,
}

impl LocalTime {
    /// The local time of `len` slots from the series' first.
    pub(crate) fn new(series: &Series, len: usize) -> Self {
        let seconds = series.slot().seconds();
        let zone = series.zone();
        let start = series.start();
        let mut local = Vec::with_capacity(len);
        let mut offset = i64::from(zone.to_offset(start).seconds());
        let mut transitions = zone.following(start).map(|transition| (transition.timestamp().as_second(), transition.offset()));
        let mut next = transitions.next();
        let mut second = start.as_second();
        for _ in 0..len {
            while let Some((_, to)) = next.filter(|(at, _)| *at <= second) {
                offset = i64::from(to.seconds());
                next = transitions.next();
            }
            local.push((second + offset).div_euclid(seconds));
            second = second.saturating_add(seconds);
        }
        Self { local, per_day: series.slot().per_day() }
    }

    pub(crate) fn len(&self) -> usize {
        self.local.len()
    }

    /// Slots in a day.
    pub(crate) fn per_day(&self) -> usize {
        self.per_day
    }

    /// Slots in a week.
    pub(crate) fn per_week(&self) -> usize {
        7 * self.per_day
    }

    /// The slot of the local day, from 0 at midnight.
    pub(crate) fn of_day(&self, index: usize) -> usize {
        self.within(index, self.per_day)
    }

    /// The slot of the local week.
    pub(crate) fn of_week(&self, index: usize) -> usize {
        self.within(index, self.per_week())
    }

    /// The slot at the same local time `days` earlier: clocks that changed in between neither double nor lose an hour.
    ///
    /// A time that clocks skipped on that day gives the slot beside it; of a time that they repeated, one of the two.
    pub(crate) fn days_before(&self, index: usize, days: usize) -> Option<usize> {
        let distance = days * self.per_day;
        let then = index.checked_sub(distance)?;
        let changed = self.local.get(index)? - self.local.get(then)? - i64::try_from(distance).ok()?;
        then.checked_add_signed(isize::try_from(changed).ok()?)
    }

    /// Whether a local day begins with this slot. A day whose midnight is skipped begins later, one whose midnight is
    /// repeated begins once.
    pub(crate) fn begins_day(&self, index: usize) -> bool {
        match index.checked_sub(1) {
            Some(before) => self.day(index) > self.day(before),
            None => self.of_day(index) == 0,
        }
    }

    fn day(&self, index: usize) -> i64 {
        let per_day = i64::try_from(self.per_day).unwrap_or(i64::MAX);
        self.local.get(index).map_or(0, |local| local.div_euclid(per_day))
    }

    fn within(&self, index: usize, period: usize) -> usize {
        let local = self.local.get(index).copied().unwrap_or(0);
        usize::try_from(local.rem_euclid(i64::try_from(period).unwrap_or(i64::MAX))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::series::Slot;

    fn slots(start: &str, zone: &str, len: usize, slot: Slot) -> LocalTime {
        let zone = TimeZone::get(zone).unwrap();
        let series = Series::new(start.parse().unwrap(), slot, zone, vec![Some(1.0); len]).unwrap();
        LocalTime::new(&series, len)
    }

    fn hours(start: &str, zone: &str, len: usize) -> LocalTime {
        slots(start, zone, len, Slot::Hour)
    }

    #[test]
    fn noon_is_a_week_after_noon_when_clocks_go_back() {
        // 2014-10-29T04:00Z is midnight in New York; the clocks go back on 2 November.
        let local = hours("2014-10-29T04:00:00Z", "America/New_York", 400);
        let noon_after = 8 * 24 + 12 + 1;
        assert_eq!(local.of_day(noon_after), 12);
        assert_eq!(local.days_before(noon_after, 7), Some(24 + 12));
        assert_eq!(local.days_before(noon_after, 1), Some(noon_after - 24));
    }

    #[test]
    fn noon_is_a_week_after_noon_when_clocks_go_forward() {
        let local = hours("2014-03-05T05:00:00Z", "America/New_York", 400);
        let noon_after = 8 * 24 + 12 - 1;
        assert_eq!(local.of_day(noon_after), 12);
        assert_eq!(local.days_before(noon_after, 7), Some(24 + 12));
    }

    #[test]
    fn a_day_begins_once_although_its_midnight_happens_twice() {
        // In Havana clocks go back from 01:00 to 00:00.
        let local = slots("2014-11-02T00:00:00Z", "America/Havana", 50, Slot::HalfHour);
        assert_eq!((0..50).filter(|index| local.begins_day(*index)).count(), 1);
    }

    #[test]
    fn a_zone_off_by_half_an_hour_has_days_too() {
        let local = hours("2024-01-01T00:00:00Z", "Asia/Kolkata", 48);
        assert_eq!((0..48).filter(|index| local.begins_day(*index)).count(), 2);
    }
}
