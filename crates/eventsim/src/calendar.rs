//! The days of the sample.

/// Seconds in a day.
pub(crate) const DAY: u64 = 86_400;

/// The first day, 2018-11-01, in days since 1970-01-01.
const FIRST: u64 = 17_836;

/// The milliseconds that all times share, as the source's do.
const MILLISECONDS: u64 = 796;

/// A time of the sample in Unix milliseconds, from seconds since the first day's midnight.
pub(crate) fn milliseconds(second: u64) -> u64 {
    (FIRST * DAY + second) * 1000 + MILLISECONDS
}

/// A time before the sample in Unix milliseconds, from seconds before the first day's midnight.
pub(crate) fn milliseconds_before(seconds: u64) -> u64 {
    (FIRST * DAY).saturating_sub(seconds) * 1000 + MILLISECONDS
}

/// The chance in a thousand that a session planned for a time takes place: most in the afternoon, fewest
/// at night, half of it on Saturdays and Sundays.
pub(crate) fn liveliness(second: u64) -> u64 {
    const BY_HOUR: [u64; 24] = [
        300, 280, 260, 250, 260, 280, 310, 350, 400, 450, 520, 600, 700, 820, 940, 1000, 900, 780, 660, 560,
        480, 420, 370, 330,
    ];
    let by_hour = BY_HOUR[(second % DAY / 3600) as usize];
    // 1970-01-01 was a Thursday.
    let weekday = (FIRST + second / DAY + 3) % 7;
    if weekday < 5 { by_hour } else { by_hour / 2 }
}

/// A date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
}

/// The date of a day of the sample, counted from 0, by Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
pub(crate) fn date(day: u64) -> Date {
    let days = FIRST + day + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Date {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, Date, date, liveliness, milliseconds};

    #[test]
    fn days_are_counted_from_the_first_of_november_2018() {
        assert_eq!(date(0), Date { year: 2018, month: 11, day: 1 });
        assert_eq!(date(60), Date { year: 2018, month: 12, day: 31 });
        assert_eq!(date(484), Date { year: 2020, month: 2, day: 28 });
        assert_eq!(date(485), Date { year: 2020, month: 2, day: 29 });
        assert_eq!(date(486), Date { year: 2020, month: 3, day: 1 });
    }

    #[test]
    fn times_are_unix_milliseconds_that_end_in_796() {
        assert_eq!(milliseconds(0), 1_541_030_400_796);
    }

    #[test]
    fn weekends_are_half_as_lively() {
        // The first day is a Thursday.
        let by_day: Vec<u64> = (0..7).map(|day| liveliness(day * DAY + 15 * 3600)).collect();
        assert_eq!(by_day, [1000, 1000, 500, 500, 1000, 1000, 1000]);
    }
}
