/// Splits `total` over `weights` so that the shares add up to it exactly (largest remainder method).
///
/// Each share is first rounded towards zero; the remaining units go to the largest remainders, ties to the first. The rule is
/// sign-symmetric: splitting `-total` gives the negated shares. Weights are relative; if all are zero, every part weighs the
/// same. No weights give no shares.
///
/// ```
/// use carryout_money::allocate;
/// assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
/// assert_eq!(allocate(-100, &[1, 1, 1]), [-34, -33, -33]);
/// ```
pub fn allocate(total: i64, weights: &[u64]) -> Vec<i64> {
    let mut shares = vec![0; weights.len()];
    allocate_into(total, weights, &mut shares);
    shares
}

/// Does the same as [`allocate`], into `shares`: one slot per weight. Surplus slots become zero.
pub fn allocate_into(total: i64, weights: &[u64], shares: &mut [i64]) {
    shares.fill(0);
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    let weight = |index: usize| if sum == 0 { 1 } else { u128::from(weights[index]) };
    let sum = if sum == 0 { weights.len() as u128 } else { sum };
    let magnitude = u128::from(total.unsigned_abs());
    let sign = i128::from(total.signum());

    let count = weights.len().min(shares.len());
    // A part's share rounded towards zero, and its remainder. u64 × u64 fits into u128.
    let part = |index: usize| divided(magnitude * weight(index), sum);
    let mut left_over = magnitude;
    for (index, share) in shares.iter_mut().enumerate().take(count) {
        // Each share is at most `total`, so it fits into i64.
        let (whole, _) = part(index);
        left_over -= whole;
        *share = (sign * whole as i128) as i64;
    }
    // Fewer units are left than there are parts: each goes to the largest remainder not yet served.
    let unit = total.signum();
    if left_over * count as u128 > SEARCHED {
        let mut by_remainder: Vec<(u128, usize)> = (0..count).map(|index| (part(index).1, index)).collect();
        by_remainder.sort_unstable_by_key(|&(remainder, index)| (std::cmp::Reverse(remainder), index));
        by_remainder.iter().take(left_over as usize).for_each(|&(_, index)| shares[index] += unit);
        return;
    }
    // Equal remainders are ordered by index, so the last one served tells which are done.
    let mut served: Option<(u128, usize)> = None;
    for _ in 0..left_over {
        let mut next: Option<(u128, usize)> = None;
        for index in 0..count {
            let (_, remainder) = part(index);
            let is_open = served.is_none_or(|(last, at)| remainder < last || remainder == last && index > at);
            if is_open && next.is_none_or(|(largest, _)| remainder > largest) {
                next = Some((remainder, index));
            }
        }
        let Some((_, index)) = next else { break };
        shares[index] += unit;
        served = next;
    }
}

/// Quotient and remainder. The divisor is not zero.
#[inline]
fn divided(dividend: u128, divisor: u128) -> (u128, u128) {
    // Nearly every amount fits into a register, where division is several times faster.
    match (u64::try_from(dividend), u64::try_from(divisor)) {
        (Ok(dividend), Ok(divisor)) => ((dividend / divisor).into(), (dividend % divisor).into()),
        _ => (dividend / divisor, dividend % divisor),
    }
}

/// Number of remainder comparisons above which sorting is faster than searching, although it allocates.
const SEARCHED: u128 = 512;

/// Returns the share of `total` that belongs to the first `part` of `of` equal units, rounded half up: the cost of `k` units of
/// a line, and so the refund for `k` units.
///
/// It grows with `part` and equals `total` when `part` equals `of`. One unit's share is the difference from the previous unit,
/// so units differ by at most one minor unit and add up exactly. Zero if `of` is zero.
///
/// ```
/// use carryout_money::share_of_first;
/// assert_eq!([1, 2, 3].map(|units| share_of_first(units, 3, 100)), [33, 67, 100]);
/// ```
pub fn share_of_first(part: u64, of: u64, total: i64) -> i64 {
    if part >= of {
        return if of == 0 { 0 } else { total };
    }
    // The product has at most 127 bits, and the quotient is smaller than `total`.
    let (whole, rest) = {
        let product = u128::from(total.unsigned_abs()) * u128::from(part);
        (product / u128::from(of), product % u128::from(of))
    };
    let rounded = if rest >= u128::from(of) - rest { whole + 1 } else { whole };
    (i128::from(total.signum()) * rounded as i128) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_weights_share_equally_and_no_weights_give_no_shares() {
        assert_eq!(allocate(5, &[0, 0]), [3, 2]);
        assert!(allocate(5, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn shares_add_up_exactly(total: i64, weights in prop::collection::vec(any::<u64>(), 1..40)) {
            let sum: i128 = allocate(total, &weights).into_iter().map(i128::from).sum();
            prop_assert_eq!(sum, i128::from(total));
        }

        #[test]
        fn a_share_is_off_by_less_than_one_unit(total in -1_000_000_i64..1_000_000, weights in prop::collection::vec(1_u64..10_000, 1..40)) {
            let sum: i128 = weights.iter().copied().map(i128::from).sum();
            for (share, weight) in allocate(total, &weights).into_iter().zip(&weights) {
                let off = (i128::from(share) * sum - i128::from(total) * i128::from(*weight)).abs();
                prop_assert!(off < sum);
            }
        }

        #[test]
        fn a_refund_mirrors_its_charge(total in -1_000_000_i64..1_000_000, weights in prop::collection::vec(any::<u64>(), 1..40)) {
            let mirrored: Vec<i64> = allocate(-total, &weights).into_iter().map(|share| -share).collect();
            prop_assert_eq!(allocate(total, &weights), mirrored);
        }

        #[test]
        fn left_over_units_go_to_the_largest_remainders(total in 0_i64..1_000, weights in prop::collection::vec(0_u64..20, 1..90)) {
            let sum: i64 = weights.iter().sum::<u64>() as i64;
            prop_assume!(sum > 0);
            let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
            by_remainder.sort_by_key(|&index| std::cmp::Reverse(total * weights[index] as i64 % sum));
            let mut wanted: Vec<i64> = weights.iter().map(|weight| total * *weight as i64 / sum).collect();
            let left_over = total - wanted.iter().sum::<i64>();
            by_remainder.iter().take(left_over as usize).for_each(|&index| wanted[index] += 1);
            prop_assert_eq!(allocate(total, &weights), wanted);
        }

        #[test]
        fn a_larger_weight_never_has_a_smaller_share(total in 0_i64..1_000_000, weights in prop::collection::vec(0_u64..5_000, 1..40)) {
            let shares = allocate(total, &weights);
            for (place, larger) in weights.iter().enumerate() {
                for (other, smaller) in weights.iter().enumerate() {
                    prop_assert!(larger <= smaller || shares[place] >= shares[other]);
                }
            }
        }

        #[test]
        fn weights_are_relative_however_large(total in -1_000_000_i64..1_000_000, weights in prop::collection::vec(0_u64..10_000, 1..40)) {
            let large: Vec<u64> = weights.iter().map(|weight| weight << 40).collect();
            prop_assert_eq!(allocate(total, &large), allocate(total, &weights));
        }

        #[test]
        fn a_larger_total_lowers_no_share_by_more_than_one(total in 0_i64..100_000, weights in prop::collection::vec(1_u64..1_000, 1..20)) {
            for (before, after) in allocate(total, &weights).into_iter().zip(allocate(total + 1, &weights)) {
                prop_assert!(after >= before - 1);
            }
        }

        #[test]
        fn share_of_first_units_grows_up_to_the_total(total: i64, of in 1_u64..200) {
            let shares: Vec<i64> = (0..=of).map(|part| share_of_first(part, of, total)).collect();
            prop_assert_eq!((shares[0], shares[of as usize]), (0, total));
            for pair in shares.windows(2) {
                prop_assert!(pair[0].unsigned_abs() <= pair[1].unsigned_abs());
                let unit = i128::from(pair[1]) - i128::from(pair[0]);
                prop_assert!((unit * i128::from(of) - i128::from(total)).abs() <= i128::from(of));
            }
            prop_assert_eq!(share_of_first(1, of, -(total / 2)), -share_of_first(1, of, total / 2));
        }
    }
}
