//! Charts of forecast, band and what arrived, as SVG.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 420.0;
/// Space for labels: left, right, top, bottom.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 36.0;
/// The color of what is provisioned.
const SET: &str = "#1971c2";

/// What was and what was thought, one moment after the other.
#[derive(Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Whose midnights are marked.
    pub zone: TimeZone,
    /// The slots, in order of time.
    pub moments: Vec<Moment>,
}

/// One slot.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// When it begins.
    pub at: Timestamp,
    /// What arrived.
    pub load: Option<f64>,
    /// The 5 % quantile, what is expected, and the 95 % quantile.
    pub forecast: Option<(f64, f64, f64)>,
    /// What was provisioned, in the same unit.
    pub set: Option<f64>,
}

impl Chart {
    /// The chart as an SVG document.
    pub fn svg(&self) -> String {
        let tops = self.moments.iter().map(|moment| {
            let high = moment.forecast.map_or(0.0, |(_, _, high)| high);
            moment.load.unwrap_or(0.0).max(high).max(moment.set.unwrap_or(0.0))
        });
        let top = ceiling(tops.fold(0.0, f64::max));
        let seconds = |at: Timestamp| at.as_second() as f64;
        let begins = self.moments.first().map_or(0.0, |moment| seconds(moment.at));
        let ends = self.moments.last().map_or(1.0, |moment| seconds(moment.at)).max(begins + 1.0);
        let x = |at: Timestamp| LEFT + (seconds(at) - begins) / (ends - begins) * (WIDTH - LEFT - RIGHT);
        let y = |load: f64| HEIGHT - BOTTOM - load / top * (HEIGHT - TOP - BOTTOM);

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{}</text>\n",
            escaped(&self.title)
        );
        let legend = [("arrived", "#111"), ("forecast", "#d9480f"), ("5 % to 95 %", "#ffc9a3"), ("provisioned", SET)];
        let drawn = if self.moments.iter().any(|moment| moment.set.is_some()) { 4 } else { 3 };
        for (index, (name, color)) in legend.iter().take(drawn).enumerate() {
            let at = WIDTH - 110.0 * drawn as f64 + 110.0 * index as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{at}\" y=\"15\" width=\"14\" height=\"10\" fill=\"{color}\"/><text x=\"{}\" y=\"24\">{name}</text>",
                at + 20.0
            );
        }
        for part in 0..=4 {
            let load = top * f64::from(part) / 4.0;
            let at = y(load);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0,
                number(load)
            );
        }
        for (at, label) in self.midnights() {
            let at = x(at);
            let _ = writeln!(
                svg,
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{}\" stroke=\"#eee\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{label}</text>",
                HEIGHT - BOTTOM,
                at + 3.0,
                HEIGHT - BOTTOM + 18.0
            );
        }
        let forecasts = || self.moments.iter().filter_map(|moment| Some((x(moment.at), moment.forecast?)));
        let highs = forecasts().map(|(x, (_, _, high))| (x, y(high)));
        let lows: Vec<(f64, f64)> = forecasts().map(|(x, (low, _, _))| (x, y(low))).collect();
        let band = points(highs.chain(lows.into_iter().rev()));
        let expected = points(forecasts().map(|(x, (_, expected, _))| (x, y(expected))));
        let _ = writeln!(svg, "<polygon points=\"{band}\" fill=\"#ffc9a3\"/>");
        // A missing slot interrupts the line.
        for known in self.moments.split(|moment| moment.load.is_none()).filter(|known| !known.is_empty()) {
            let arrived = points(known.iter().filter_map(|moment| Some((x(moment.at), y(moment.load?)))));
            let _ = writeln!(svg, "<polyline points=\"{arrived}\" fill=\"none\" stroke=\"#111\"/>");
        }
        let _ = writeln!(svg, "<polyline points=\"{expected}\" fill=\"none\" stroke=\"#d9480f\"/>");
        // What is provisioned changes at once.
        let set: Vec<(f64, f64)> = self.moments.iter().filter_map(|moment| Some((x(moment.at), y(moment.set?)))).collect();
        let steps = set.iter().zip(set.iter().skip(1)).flat_map(|((from, before), (to, _))| [(*from, *before), (*to, *before)]);
        let steps = points(steps.chain(set.last().copied()));
        if !steps.is_empty() {
            let _ = writeln!(svg, "<polyline points=\"{steps}\" fill=\"none\" stroke=\"{SET}\"/>");
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// The beginning of each local day, at most fourteen of them.
    fn midnights(&self) -> Vec<(Timestamp, String)> {
        let local = |at: Timestamp| self.zone.to_datetime(at);
        let days = self.moments.windows(2).filter_map(|pair| match pair {
            [before, moment] if local(before.at).date() != local(moment.at).date() => Some(moment.at),
            _ => None,
        });
        let days: Vec<Timestamp> = days.collect();
        let step = days.len().div_ceil(14).max(1);
        days.into_iter().step_by(step).map(|at| (at, local(at).strftime("%a %d %b").to_string())).collect()
    }
}

/// The least of 1, 2, 2.5 and 5 × 10ⁿ that is not below a load.
fn ceiling(load: f64) -> f64 {
    if load <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(load.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|step| step * unit).find(|top| *top >= load).unwrap_or(load)
}

fn number(load: f64) -> String {
    if load >= 10.0 || load == 0.0 { format!("{load:.0}") } else { format!("{load:.2}") }
}

fn points(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.fold(String::new(), |mut text, (x, y)| {
        let _ = write!(text, "{x:.1},{y:.1} ");
        text
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_chart_marks_days_and_leaves_gaps_open() {
        let begins: Timestamp = "2026-07-01T00:00Z".parse().unwrap();
        let moment = |hour: i64| Moment {
            at: begins + SignedDuration::from_hours(hour),
            load: (hour != 30).then_some(hour as f64),
            forecast: Some((1.0, 2.0, 73.0)),
            set: (hour < 12).then_some(5.0),
        };
        let chart = Chart { title: "a < b".to_owned(), zone: TimeZone::UTC, moments: (0..72).map(moment).collect() };
        let svg = chart.svg();
        assert_eq!(svg.matches("stroke=\"#111\"").count(), 2, "the gap at hour 30 interrupts the line");
        assert_eq!(svg.matches(SET).count(), 2, "in the legend, and as a line");
        assert!(svg.contains("Thu 02 Jul") && svg.contains("Fri 03 Jul") && svg.contains("a &lt; b") && svg.contains(">100<"));
    }

    #[test]
    fn a_scale_ends_with_a_round_number() {
        assert_eq!([0.0, 0.7, 1.0, 23.0, 26.0, 72_003.0].map(ceiling), [1.0, 1.0, 1.0, 25.0, 50.0, 100_000.0]);
    }
}
