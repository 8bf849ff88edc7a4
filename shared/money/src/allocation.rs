/// Splits `total` over `weights` so that the shares add up to it exactly (largest remainder).
///
/// Each share is first rounded towards zero; the units left over go to the largest remainders, ties to the first.
/// The rule is sign-symmetric: splitting `-total` gives the negated shares. Weights are relative and not negative;
/// where all are zero, each part counts the same. No weights, no shares.
///
/// ```
/// use carryout_money::allocate;
/// assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
/// assert_eq!(allocate(-100, &[1, 1, 1]), [-34, -33, -33]);
/// ```
pub fn allocate(total: i64, weights: &[u64]) -> Vec<i64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    let weight = |index: usize| if sum == 0 { 1 } else { u128::from(weights[index]) };
    let sum = if sum == 0 { weights.len() as u128 } else { sum };
    let magnitude = u128::from(total.unsigned_abs());

    // u64 × u64 fits into u128, and each share is at most `total`, so the way back to i64 cannot overflow.
    let mut shares: Vec<u128> = (0..weights.len()).map(|index| magnitude * weight(index) / sum).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&index| std::cmp::Reverse(magnitude * weight(index) % sum));
    let left_over = magnitude - shares.iter().sum::<u128>();
    for &index in by_remainder.iter().take(left_over as usize) {
        shares[index] += 1;
    }
    let sign = i128::from(total.signum());
    shares.into_iter().map(|share| (sign * share as i128) as i64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_of_zero_share_equally_and_none_gives_none() {
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
    }
}
