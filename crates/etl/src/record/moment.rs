//! Times in another unit than milliseconds.
//!
//! A log whose times are in seconds would load without an error, into January 1970. So a time that is unlikely in
//! milliseconds and likely in another unit is refused.

use arrow_array::temporal_conversions::timestamp_ms_to_datetime;

use super::reject::Reason;

/// Likely times of a log, in milliseconds: the years 2000 to 2099.
const LIKELY: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// The unit that a time seems to be in, if it is not milliseconds.
pub(super) fn other_unit(time: i64) -> Option<Reason> {
    if LIKELY.contains(&time) {
        return None;
    }
    let units = [
        ("seconds", time.checked_mul(1000)),
        ("microseconds", Some(time / 1000)),
        ("nanoseconds", Some(time / 1_000_000)),
    ];
    let (unit, milliseconds) = units.into_iter().find_map(|(unit, milliseconds)| {
        Some((unit, milliseconds.filter(|milliseconds| LIKELY.contains(milliseconds))?))
    })?;
    let day = timestamp_ms_to_datetime(milliseconds)?.date().to_string();
    Some(Reason::OtherUnit { unit, day })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(time: i64) -> Option<(&'static str, String)> {
        match other_unit(time) {
            Some(Reason::OtherUnit { unit, day }) => Some((unit, day)),
            other => {
                assert_eq!(other, None, "{time}");
                None
            }
        }
    }

    #[test]
    fn a_time_that_is_likely_in_another_unit_only_is_in_that_unit() {
        for (time, expected) in [
            (1_541_106_106, "seconds"),
            (1_541_106_106_796_123, "microseconds"),
            (1_541_106_106_796_123_456, "nanoseconds"),
        ] {
            assert_eq!(unit(time), Some((expected, "2018-11-01".to_owned())));
        }
        assert_eq!(unit(LIKELY.start / 1000).unwrap().1, "2000-01-01");
        assert_eq!(unit(LIKELY.end / 1000 - 1).unwrap().1, "2099-12-31");
    }

    #[test]
    fn every_time_in_milliseconds_is_taken_that_is_unlikely_in_other_units() {
        for time in [
            0,
            1,
            345_600_000,
            LIKELY.start / 1000 - 1,
            LIKELY.end / 1000,
            LIKELY.start,
            1_541_106_106_796,
            LIKELY.end,
            253_402_300_799_999,
            -1,
            i64::MIN,
            i64::MAX,
        ] {
            assert_eq!(unit(time), None, "{time}");
        }
    }
}
