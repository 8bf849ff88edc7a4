//! `timestamp,value` rows.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use carryout_forecast::{Gaps, Series, Slot};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Reads a CSV file into slots: those of its rows, or longer ones.
///
/// A line is a time and a number; a first line without a number is a header. Times are local, such as `2026-07-01 18:30`, or
/// have an offset, such as `2026-07-01T18:30Z`.
///
/// # Errors
///
/// Where a line is wrong or rows are missing without `gaps`: the line is named.
pub fn read(path: &Path, zone: TimeZone, slot: Option<Slot>, gaps: Gaps) -> Result<Series> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text, zone, slot, gaps).with_context(|| format!("{} is no series of load", path.display()))
}

fn parse(text: &str, zone: TimeZone, slot: Option<Slot>, gaps: Gaps) -> Result<Series> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    lines.next_if(|(_, line)| line.split_once(',').is_some_and(|(_, value)| value.trim().parse::<f64>().is_err()));
    let first = lines.peek().and_then(|(_, line)| line.split_once(',')).map_or("", |(at, _)| at.trim());
    let series = if first.parse::<Timestamp>().is_ok() {
        let rows = rows::<Timestamp>(lines, "a time with an offset, such as 2026-07-01T18:30Z, as the first row has one")?;
        Series::from_rows(&rows, spacing(&rows, |one, other| other.duration_since(one))?, zone, gaps)?
    } else {
        let rows = rows::<DateTime>(lines, "a time, such as 2026-07-01 18:30")?;
        Series::from_local_rows(&rows, spacing(&rows, |one, other| other.duration_since(one))?, zone, gaps)?
    };
    Ok(match slot {
        Some(slot) => series.aggregated(slot)?,
        None => series,
    })
}

fn rows<'a, T: std::str::FromStr>(lines: impl Iterator<Item = (usize, &'a str)>, wanted: &str) -> Result<Vec<(T, f64)>> {
    let row = |(index, line): (usize, &str)| {
        let number = index + 1;
        let (at, value) = line.split_once(',').with_context(|| format!("line {number} is {line:?}; write timestamp,value"))?;
        let (at, value) = (at.trim(), value.trim());
        let Ok(moment) = at.parse() else { bail!("line {number} begins with {at:?}; {wanted} is needed") };
        let Ok(value) = value.parse() else {
            bail!("line {number} ({at}) has the value {value:?}; a number is needed, or leave the line out and allow gaps");
        };
        Ok((moment, value))
    };
    lines.map(row).collect()
}

/// The length of the slots that rows have: the distance of the first two.
fn spacing<T: Copy>(rows: &[(T, f64)], between: impl Fn(T, T) -> SignedDuration) -> Result<Slot> {
    let [(one, _), (other, _), ..] = rows else { bail!("there are {} rows; at least two are needed", rows.len()) };
    let minutes = between(*one, *other).as_mins();
    if minutes <= 0 {
        bail!("the second row is not later than the first; sort the rows by time, one for each slot");
    }
    u16::try_from(minutes).ok().and_then(|minutes| Slot::try_from(minutes).ok()).with_context(|| {
        format!("the first two rows are {minutes} minutes apart; rows are 1, 5, 15, 30 or 60 minutes apart, without a gap there")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(text: &str, gaps: Gaps) -> Result<Series> {
        parse(text, TimeZone::get("America/New_York").unwrap(), None, gaps)
    }

    fn error(text: &str) -> String {
        format!("{:#}", series(text, Gaps::Refused).unwrap_err())
    }

    #[test]
    fn local_times_and_moments_are_both_read() {
        let local = series("timestamp,value\n2014-07-01 00:00:00,10844\n2014-07-01 00:30:00,8127\n", Gaps::Refused).unwrap();
        let moments = series("2014-07-01T04:00Z,10844\n2014-07-01T00:30-04,8127\n", Gaps::Refused).unwrap();
        assert_eq!((local.start(), local.slot(), local.len()), (moments.start(), Slot::HalfHour, 2));
        assert_eq!((local.get(1), moments.get(1)), (Some(8127.0), Some(8127.0)));
    }

    #[test]
    fn wrong_lines_are_named() {
        let begins = "timestamp,value\n2014-07-01 00:00,1\n2014-07-01 00:30,2\n";
        assert!(error(&format!("{begins}2014-07-01 01:00,-3\n")).contains("row 3 (2014-07-01T01:00:00) has the value -3"));
        assert!(error(&format!("{begins}2014-07-01 00:30,3\n")).contains("the time of the row before"));
        assert!(error(&format!("{begins}2014-07-01 00:00,3\n")).contains("earlier than the row before"));
        assert!(error(&format!("{begins}2014-07-01 02:00,3\n")).contains("2 slots are missing before row 3"));
        assert!(error(&format!("{begins}2014-07-01 01:00,many\n")).contains("line 4 (2014-07-01 01:00) has the value \"many\""));
        assert!(error(&format!("{begins}soon,3\n")).contains("line 4 begins with \"soon\""));
        assert!(error(&format!("{begins}3\n")).contains("line 4 is \"3\""));
        assert!(error("2014-07-01 00:00,1\n2014-07-01 00:07,1\n").contains("7 minutes apart"));
        assert!(error("timestamp,value\n").contains("at least two"));
        assert!(series(&format!("{begins}2014-07-01 02:00,3\n"), Gaps::Allowed).unwrap().missing() == 2);
    }

    #[test]
    fn rows_become_longer_slots() {
        let rows = "2014-07-01T00:00Z,1\n2014-07-01T00:30Z,2\n2014-07-01T01:00Z,4\n2014-07-01T01:30Z,8\n";
        let hours = parse(rows, TimeZone::UTC, Some(Slot::Hour), Gaps::Refused).unwrap();
        assert_eq!((hours.get(0), hours.get(1), hours.len()), (Some(3.0), Some(12.0), 2));
    }
}
