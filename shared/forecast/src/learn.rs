//! Learns, by forecasting the past from one origin after another, which method to trust at which horizon and how wrong it
//! tends to be.
//!
//! At each origin, only forecasts of slots before it have been judged, so no choice and no band looks ahead.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::methods::{Methods, Past, VARIANTS};

/// Where horizons end that are judged together, in minutes.
const HORIZONS: [usize; 17] =
    [30, 60, 120, 180, 360, 720, 1080, 1440, 1800, 2160, 2520, 2880, 4320, 5760, 7200, 8640, usize::MAX];

/// Days after which an error counts half in the weights.
const WEIGHTS_HALF_LIFE: f64 = 4.0;
/// Days after which an error counts half in how wild an hour of the day is.
const SHAPE_HALF_LIFE: f64 = 14.0;
/// Days after which an error counts half in how wild it is now.
const NOW_HALF_LIFE: f64 = 0.5;
/// How much of a wild day goes into the band of the next one, as a power.
const NOW_POWER: f64 = 0.3;
/// The power of a method's error in its weight: a method twice as wrong counts 1 / 256.
const SHARPNESS: i32 = 8;
/// A variant with less than this part of the best one's weight is left out.
const LIGHTEST: f64 = 0.01;
/// Part of the last week's mean that is added to a forecast before errors are divided by it, so that quiet hours can have a
/// band, too.
const FLOOR: f64 = 0.05;
/// Days whose errors make the quantiles.
const POOL_DAYS: usize = 28;
/// Errors kept of each of those days.
const POOL_PER_DAY: usize = 72;
/// With fewer errors than this, quantiles are those of [`ASSUMED`].
const ENOUGH: usize = 60;
/// The relative error of a forecast of which nothing is known: a standard deviation of half the load.
const ASSUMED: f64 = 0.5;
/// The smallest relative error that is believed.
const SMALLEST: f64 = 0.005;
const HOURS: usize = 24;

/// The share of [`POINTS`] at which quantiles are kept.
pub(crate) const POINTS: usize = 100;

fn horizon_group(minutes: usize) -> usize {
    HORIZONS.iter().position(|end| minutes <= *end).unwrap_or(HORIZONS.len() - 1)
}

/// A sum in which what is old counts less.
#[derive(Debug, Clone, Copy, Default)]
struct Fading {
    sum: f64,
    count: f64,
}

impl Fading {
    fn fade(&mut self, kept: f64) {
        self.sum *= kept;
        self.count *= kept;
    }

    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn mean(self) -> Option<f64> {
        (self.count > 1e-9).then(|| self.sum / self.count)
    }
}

/// What is known of the errors at some horizons.
#[derive(Debug, Clone)]
struct Group {
    /// The absolute error of each variant.
    errors: [Fading; VARIANTS],
    judged: Vec<Judged>,
}

/// How wrong one method was.
#[derive(Debug, Clone)]
struct Judged {
    by_hour: [Fading; HOURS],
    now: Fading,
    /// Errors ÷ the scale that was expected of them.
    pool: VecDeque<f64>,
    added: usize,
}

impl Judged {
    fn new() -> Self {
        Self { by_hour: [Fading::default(); HOURS], now: Fading::default(), pool: VecDeque::new(), added: 0 }
    }

    fn scale(&self, hour: usize) -> f64 {
        let all = self
            .by_hour
            .iter()
            .fold(Fading::default(), |all, hour| Fading { sum: all.sum + hour.sum, count: all.count + hour.count });
        let Some(usual) = all.mean() else { return ASSUMED };
        let near = (0..5).filter_map(|step| self.by_hour.get((hour + HOURS + step - 2) % HOURS));
        let near = near.fold(Fading::default(), |near, hour| Fading { sum: near.sum + hour.sum, count: near.count + hour.count });
        let here = near.mean().unwrap_or(usual).max(usual / 4.0).max(SMALLEST);
        let now = self.now.mean().unwrap_or(usual).max(usual / 8.0);
        if usual > 0.0 { here * (now / usual).powf(NOW_POWER) } else { here }
    }

    fn learn(&mut self, error: f64, scale: f64, hour: usize, stride: usize) {
        if let Some(fading) = self.by_hour.get_mut(hour) {
            fading.add(error.abs());
        }
        self.now.add(error.abs());
        if self.added.is_multiple_of(stride) {
            if self.pool.len() == POOL_DAYS * POOL_PER_DAY {
                self.pool.pop_front();
            }
            self.pool.push_back(error / scale);
        }
        self.added += 1;
    }

    /// The value that a share of the errors is at most, in scales.
    fn quantile(&self, share: f64) -> f64 {
        if self.pool.len() < ENOUGH {
            return ASSUMED / self.assumed_scale() * normal_quantile(share);
        }
        let mut pool: Vec<f64> = self.pool.iter().copied().collect();
        let rank = rank(pool.len(), share);
        *pool.select_nth_unstable_by(rank, f64::total_cmp).1
    }

    fn quantiles(&self) -> Vec<f64> {
        let mut pool: Vec<f64> = self.pool.iter().copied().collect();
        pool.sort_unstable_by(f64::total_cmp);
        let at = |point: usize| {
            let share = point as f64 / POINTS as f64;
            match pool.get(rank(pool.len(), share)) {
                Some(value) if pool.len() >= ENOUGH => *value,
                _ => ASSUMED / self.assumed_scale() * normal_quantile(share),
            }
        };
        (0..=POINTS).map(at).collect()
    }

    /// Quantiles are multiplied by a scale; where they are assumed, not learned, this takes the mean one back out.
    fn assumed_scale(&self) -> f64 {
        self.scale(0).max(SMALLEST)
    }
}

/// The place of a quantile among so many sorted errors: one more error than there is, so that few errors make a wide band.
fn rank(len: usize, share: f64) -> usize {
    ((share * (len + 1) as f64).ceil() as usize).saturating_sub(1).min(len.saturating_sub(1))
}

/// A forecast that waits for what it says to happen.
#[derive(Debug)]
struct Pending {
    origin: usize,
    variants: Vec<f64>,
    horizon: usize,
    floor: f64,
    views: Vec<View>,
    judged: usize,
}

/// What one method said at an origin.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The load in each slot, without events.
    pub(crate) expected: Vec<f64>,
    /// How wide the band is there, relative to `expected + floor`.
    pub(crate) scales: Vec<f64>,
    /// The part of the band that doesn't depend on the load.
    pub(crate) floor: f64,
}

/// A walk over origins.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    past: &'a Past,
    methods: Methods<'a>,
    masks: Vec<[bool; VARIANTS]>,
    horizon: usize,
    /// Slots between origins, for which errors are thinned out.
    step: usize,
    groups: Vec<Group>,
    pending: VecDeque<Pending>,
    at: usize,
}

impl<'a> Walk<'a> {
    /// A walk whose origins are `step` slots apart, from `first_origin` on.
    pub(crate) fn new(past: &'a Past, masks: Vec<[bool; VARIANTS]>, first_origin: usize, horizon: usize, step: usize) -> Self {
        let group = Group { errors: [Fading::default(); VARIANTS], judged: vec![Judged::new(); masks.len()] };
        Self {
            past,
            methods: Methods::new(past, first_origin, horizon),
            masks,
            horizon,
            step,
            groups: vec![group; HORIZONS.len()],
            pending: VecDeque::new(),
            at: first_origin,
        }
    }

    /// Goes to an origin: judges what has happened since, and forecasts. What each method says is returned.
    pub(crate) fn visit(&mut self, origin: usize) -> &[View] {
        self.judge(origin);
        let variants = self.methods.forecast(origin, self.horizon);
        let floor = FLOOR * self.past.size(origin);
        let views = (0..self.masks.len()).map(|method| self.view(method, &variants, origin, floor)).collect();
        self.pending.push_back(Pending { origin, variants, horizon: self.horizon, floor, views, judged: 0 });
        self.pending.back().map_or(&[], |pending| &pending.views)
    }

    fn view(&self, method: usize, variants: &[f64], origin: usize, floor: f64) -> View {
        let weights: Vec<[f64; VARIANTS]> = self.groups.iter().map(|group| weights(group, self.masks.get(method))).collect();
        let mut expected = combine(&weights, variants, self.horizon, |ahead| self.group_of(ahead));
        for (ahead, value) in expected.iter_mut().enumerate().filter(|(_, value)| value.is_nan()) {
            *value = self.methods.fallback(origin, origin + ahead);
        }
        let scales = self.by_hour(origin, |group, hour| group.judged.get(method).map_or(ASSUMED, |judged| judged.scale(hour)));
        View { expected, scales, floor }
    }

    /// Asks something of each slot's group and local hour, once for each run of slots that share both.
    fn by_hour(&self, origin: usize, ask: impl Fn(&Group, usize) -> f64) -> Vec<f64> {
        let mut known = (usize::MAX, usize::MAX, 0.0);
        let answer = |ahead: usize| {
            let (group, hour) = (self.group_of(ahead), self.hour_of(origin + ahead));
            if (known.0, known.1) != (group, hour) {
                known = (group, hour, self.groups.get(group).map_or(ASSUMED, |group| ask(group, hour)));
            }
            known.2
        };
        (0..self.horizon).map(answer).collect()
    }

    fn judge(&mut self, origin: usize) {
        let days = (origin - self.at) as f64 / self.past.time.per_day() as f64;
        self.at = origin;
        let kept = |half_life: f64| (-days / half_life).exp2();
        let (weights_kept, shape_kept, now_kept) = (kept(WEIGHTS_HALF_LIFE), kept(SHAPE_HALF_LIFE), kept(NOW_HALF_LIFE));
        for group in &mut self.groups {
            group.errors.iter_mut().for_each(|error| error.fade(weights_kept));
            for judged in &mut group.judged {
                judged.by_hour.iter_mut().for_each(|hour| hour.fade(shape_kept));
                judged.now.fade(now_kept);
            }
        }
        let mut pending = std::mem::take(&mut self.pending);
        for forecast in &mut pending {
            let until = (origin - forecast.origin).min(forecast.horizon);
            for ahead in forecast.judged..until {
                self.judge_slot(forecast, ahead);
            }
            forecast.judged = until;
        }
        pending.retain(|forecast| forecast.judged < forecast.horizon);
        self.pending = pending;
    }

    fn judge_slot(&mut self, forecast: &Pending, ahead: usize) {
        let index = forecast.origin + ahead;
        let Some(value) = self.past.values.get(index).copied().filter(|value| !value.is_nan()) else { return };
        let (place, hour) = (self.group_of(ahead), self.hour_of(index));
        let stride = self.stride(place);
        let Some(group) = self.groups.get_mut(place) else { return };
        for (variant, error) in group.errors.iter_mut().enumerate() {
            let said = forecast.variants.get(variant * forecast.horizon + ahead).copied().unwrap_or(f64::NAN);
            if !said.is_nan() {
                error.add((value - said).abs());
            }
        }
        for (judged, view) in group.judged.iter_mut().zip(&forecast.views) {
            if let (Some(expected), Some(scale)) = (view.expected.get(ahead), view.scales.get(ahead))
                && expected + forecast.floor > 0.0
            {
                judged.learn((value - expected) / (expected + forecast.floor), *scale, hour, stride);
            }
        }
    }

    /// Which of a group's errors are kept, so that a day has about [`POOL_PER_DAY`] of them.
    fn stride(&self, group: usize) -> usize {
        let minutes = self.slot_minutes();
        let ends = HORIZONS.get(group).copied().unwrap_or(usize::MAX).min(self.horizon * minutes);
        let begins = group.checked_sub(1).and_then(|before| HORIZONS.get(before)).copied().unwrap_or(0);
        let slots = (ends.saturating_sub(begins) / minutes).max(1);
        (slots * self.past.time.per_day() / self.step).div_ceil(POOL_PER_DAY).max(1)
    }

    fn slot_minutes(&self) -> usize {
        24 * 60 / self.past.time.per_day()
    }

    fn group_of(&self, ahead: usize) -> usize {
        horizon_group((ahead + 1) * self.slot_minutes())
    }

    fn hour_of(&self, index: usize) -> usize {
        self.past.time.of_day(index) * HOURS / self.past.time.per_day()
    }

    /// The quantile of a method's errors in each slot from the last origin, in scales.
    pub(crate) fn quantile(&self, method: usize, share: f64) -> Vec<f64> {
        let mut known = (usize::MAX, 0.0);
        let answer = |ahead: usize| {
            let group = self.group_of(ahead);
            if known.0 != group {
                let judged = self.groups.get(group).and_then(|group| group.judged.get(method));
                known = (group, judged.map_or_else(|| normal_quantile(share), |judged| judged.quantile(share)));
            }
            known.1
        };
        (0..self.horizon).map(answer).collect()
    }

    /// What has been learned of a method until an origin.
    pub(crate) fn into_choice(mut self, method: usize, origin: usize) -> Choice {
        self.judge(origin);
        let mask = self.masks.get(method).copied();
        let groups = self.groups.iter().filter_map(|group| {
            let judged = group.judged.get(method)?;
            Some(ChoiceGroup {
                weights: weights(group, mask.as_ref()).to_vec(),
                scales: (0..HOURS).map(|hour| judged.scale(hour)).collect(),
                quantiles: judged.quantiles(),
            })
        });
        Choice { groups: groups.collect() }
    }
}

/// What each variant weighs: the smaller its error, the more.
fn weights(group: &Group, mask: Option<&[bool; VARIANTS]>) -> [f64; VARIANTS] {
    let mut weights = [0.0; VARIANTS];
    let Some(mask) = mask else { return weights };
    let means = group.errors.map(Fading::mean);
    let best = means.iter().zip(mask).filter(|(_, is_in)| **is_in).filter_map(|(mean, _)| *mean).fold(f64::INFINITY, f64::min);
    for ((weight, mean), is_in) in weights.iter_mut().zip(means).zip(mask) {
        *weight = match mean {
            _ if !is_in => 0.0,
            _ if best.is_infinite() => 1.0,
            Some(mean) if mean > best => (best / mean).powi(SHARPNESS),
            Some(_) => 1.0,
            None => 0.0,
        };
    }
    weights
}

/// The weighted median of the variants that have an answer, which one that is far off does not move; NaN where none that has
/// weight does.
pub(crate) fn combine(
    weights: &[impl AsRef<[f64]>],
    variants: &[f64],
    horizon: usize,
    group_of: impl Fn(usize) -> usize,
) -> Vec<f64> {
    let mut said: Vec<(f64, f64)> = Vec::with_capacity(VARIANTS);
    let one = |ahead: usize| {
        let weights = weights.get(group_of(ahead)).map_or(&[][..], AsRef::as_ref);
        said.clear();
        let values = variants.iter().skip(ahead).step_by(horizon.max(1)).zip(weights);
        said.extend(
            values.filter(|(value, weight)| **weight > LIGHTEST && !value.is_nan()).map(|(value, weight)| (*value, *weight)),
        );
        said.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        weighted_median(&said)
    };
    (0..horizon).map(one).collect()
}

/// Where half of the weight is below, between the values whose middles are beside that.
fn weighted_median(sorted: &[(f64, f64)]) -> f64 {
    let half = sorted.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let mut last: Option<(f64, f64)> = None;
    for (value, weight) in sorted {
        let middle = below + weight / 2.0;
        if middle >= half {
            return match last {
                Some((before, at)) => before + (value - before) * (half - at) / (middle - at),
                None => *value,
            };
        }
        last = Some((*value, middle));
        below += weight;
    }
    last.map_or(f64::NAN, |(value, _)| value)
}

/// Which methods to trust at which horizon, and how wrong they tend to be. Learned once a day, used by every forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    groups: Vec<ChoiceGroup>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ChoiceGroup {
    weights: Vec<f64>,
    scales: Vec<f64>,
    quantiles: Vec<f64>,
}

impl AsRef<[f64]> for ChoiceGroup {
    fn as_ref(&self) -> &[f64] {
        &self.weights
    }
}

impl Choice {
    /// What the methods say together from an origin, `silence` slots after the last one known, and the quantiles of each
    /// group of horizons with the group of each slot.
    pub(crate) fn view(&self, past: &Past, origin: usize, horizon: usize, silence: usize) -> (View, Vec<usize>) {
        let mut methods = Methods::new(past, origin, horizon);
        let variants = methods.forecast(origin, horizon);
        let per_day = past.time.per_day();
        let minutes = 24 * 60 / per_day;
        let groups: Vec<usize> = (0..horizon).map(|ahead| horizon_group((ahead + silence + 1) * minutes)).collect();
        let mut expected = combine(&self.groups, &variants, horizon, |ahead| groups.get(ahead).copied().unwrap_or(0));
        for (ahead, value) in expected.iter_mut().enumerate().filter(|(_, value)| value.is_nan()) {
            *value = methods.fallback(origin, origin + ahead);
        }
        let scale = |(ahead, group): (usize, &usize)| {
            let hour = past.time.of_day(origin + ahead) * HOURS / per_day;
            self.groups.get(*group).and_then(|group| group.scales.get(hour)).copied().unwrap_or(ASSUMED)
        };
        let scales = groups.iter().enumerate().map(scale).collect();
        (View { expected, scales, floor: FLOOR * past.size(origin) }, groups)
    }

    /// The quantiles of each group of horizons, in scales, at [`POINTS`] + 1 shares.
    pub(crate) fn quantiles(&self) -> Vec<Vec<f64>> {
        self.groups.iter().map(|group| group.quantiles.clone()).collect()
    }
}

/// The quantile of the normal distribution, within 0.5 % (Abramowitz and Stegun 26.2.23); shares of 0 and 1 are cut to
/// one in a thousand.
pub(crate) fn normal_quantile(share: f64) -> f64 {
    let share = share.clamp(0.001, 0.999);
    let tail = share.min(1.0 - share);
    let t = (-2.0 * tail.ln()).sqrt();
    let distance =
        t - (2.515_517 + 0.802_853 * t + 0.010_328 * t * t) / (1.0 + 1.432_788 * t + 0.189_269 * t * t + 0.001_308 * t * t * t);
    if share < 0.5 { -distance } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_quantile_is_that_of_tables() {
        for (share, expected) in [(0.5, 0.0), (0.95, 1.6449), (0.4, -0.2533), (0.99, 2.3263)] {
            assert!((normal_quantile(share) - expected).abs() < 0.005, "{share}");
        }
    }

    #[test]
    fn horizons_are_grouped_by_where_they_end() {
        assert_eq!([5, 30, 31, 60, 61, 1440, 1441].map(horizon_group), [0, 0, 1, 1, 2, 7, 8]);
    }
}
