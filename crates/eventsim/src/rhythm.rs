//! When sessions begin: the rhythm of day and week.

use std::f64::consts::TAU;

use crate::{
    clock::{DAY, is_holiday, weekday},
    random::Random,
};

/// Pages are asked for in the afternoon more than at night: the shift is 0 at this second of the day and
/// twelve hours later, which starts move away from and towards.
const QUIET: f64 = 10_800.0;

/// How the chances of a session go with the time. The defaults are the figures that shaped the source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm {
    /// The mean time from a page to the next one that no song decides, in seconds.
    pub seconds_between_pages: f64,
    /// The mean time from a session to the next, in days.
    pub days_between_sessions: f64,
    /// The least time from a session to the next, before the day's rhythm shifts it, in seconds.
    pub session_gap: u32,
    /// How much the time of day matters, from 0 (not at all) to 0.159 (all that can be).
    pub daily_damping: f64,
    /// The share of sessions that weekends and holidays lack.
    pub weekend_damping: f64,
    /// How many seconds before midnight a weekend begins to be felt, and after midnight ceases to.
    pub weekend_offset: u32,
    /// How many seconds it takes until it is felt in full.
    pub weekend_scale: u32,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            seconds_between_pages: 90.0,
            days_between_sessions: 7.0,
            session_gap: 1_800,
            daily_damping: 0.09375,
            weekend_damping: 0.5,
            weekend_offset: 10_800,
            weekend_scale: 21_600,
        }
    }
}

impl Rhythm {
    /// The second at which the next session begins after one that ended at `end`.
    pub(crate) fn next_session(&self, end: i64, mean: f64, random: &mut Random) -> i64 {
        let gap = i64::from(self.session_gap);
        let mut base = end;
        loop {
            let planned = base + random.exponential(mean) as i64 + gap;
            let start = self.shifted(planned);
            if start < base {
                base += gap.max(1);
            } else if random.unit() < self.weekend(start) {
                base = start;
            } else {
                return start;
            }
        }
    }

    fn shifted(&self, second: i64) -> i64 {
        let angle = TAU * (second.rem_euclid(DAY) as f64 - QUIET) / DAY as f64;
        second + libm::floor(self.daily_damping * DAY as f64 * libm::sin(angle)) as i64
    }

    /// The share of sessions that are lacking at a second.
    fn weekend(&self, second: i64) -> f64 {
        let (day, of_day) = (second.div_euclid(DAY), second.rem_euclid(DAY));
        let (offset, scale) = (i64::from(self.weekend_offset), i64::from(self.weekend_scale).max(1));
        // Where a day off and another one meet, the weight goes from the one to the other in a straight line.
        let between = |before: bool, after: bool, since: i64| {
            let progress = since as f64 / scale as f64;
            if before == after {
                f64::from(u8::from(after))
            } else if after {
                progress
            } else {
                1.0 - progress
            }
        };
        let weight = if of_day < scale - offset {
            between(is_off(day - 1), is_off(day), of_day + offset)
        } else if of_day > DAY - offset {
            between(is_off(day), is_off(day + 1), of_day - (DAY - offset))
        } else {
            f64::from(u8::from(is_off(day)))
        };
        self.weekend_damping * weight
    }
}

/// Saturdays, Sundays and holidays.
fn is_off(day: i64) -> bool {
    matches!(weekday(day), 0 | 6) || is_holiday(day)
}

#[cfg(test)]
mod tests {
    use super::Rhythm;
    use crate::{clock::DAY, random::Random};

    /// 2018-11-16, a Friday.
    const FRIDAY: i64 = 17_851 * DAY;

    #[test]
    fn a_weekend_comes_and_goes_within_six_hours_around_midnight() {
        let rhythm = Rhythm::default();
        for (hours, expected) in [
            (20, 0.0),
            (21, 0.0),
            (24, 0.25),
            (27, 0.5),
            (40, 0.5),
            (69, 0.5),
            (72, 0.25),
            (75, 0.0),
            (80, 0.0),
            // Thanksgiving is the Thursday after.
            (6 * 24 + 12, 0.5),
        ] {
            assert!((rhythm.weekend(FRIDAY + hours * 3600) - expected).abs() < 1e-9, "after {hours} hours");
        }
    }

    #[test]
    fn sessions_begin_in_the_afternoon_four_times_as_often_as_at_night() {
        let rhythm = Rhythm { weekend_damping: 0.0, ..Rhythm::default() };
        let mut random = Random::stream(1, 0);
        let mut by_hour = [0_u32; 24];
        let mut second = 0;
        for _ in 0..100_000 {
            second = rhythm.next_session(second, 86_400.0, &mut random);
            by_hour[(second.rem_euclid(DAY) / 3600) as usize] += 1;
        }
        let share = |hour: usize| f64::from(by_hour[hour]) * 24.0 / 100_000.0;
        assert!((2.0..2.6).contains(&share(15)) && (0.55..0.75).contains(&share(3)), "{by_hour:?}");
    }

    #[test]
    fn a_session_never_begins_before_the_last_one_ended() {
        let rhythm = Rhythm::default();
        let mut random = Random::stream(2, 0);
        for hour in 0..2_000 {
            let end = FRIDAY + hour * 3600;
            assert!(rhythm.next_session(end, 10.0, &mut random) >= end);
        }
    }
}
