//! Dates and times, all in UTC.

use std::fmt;

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;
/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = DAY * 1000;
/// Seconds in a year of 365.25 days.
pub(crate) const YEAR: f64 = 31_557_600.0;

/// A moment in milliseconds since 1970-01-01, UTC.
///
/// ```
/// use sparkify_eventsim::Timestamp;
///
/// let start: Timestamp = "2018-11-01".parse()?;
/// assert_eq!(start.milliseconds(), 1_541_030_400_000);
/// assert_eq!("2018-11-01T20:57:10.796Z".parse::<Timestamp>()?.to_string(), "2018-11-01T20:57:10.796");
/// assert!("2018-02-30".parse::<Timestamp>().is_err());
/// # Ok::<(), sparkify_eventsim::NoTimestamp>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The text is no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a date such as 2018-11-01 or a time such as 2018-11-01T20:57:10 is needed")]
pub struct NoTimestamp;

impl Timestamp {
    /// The moment so many milliseconds after 1970 began.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since 1970-01-01.
    #[must_use]
    pub const fn milliseconds(self) -> i64 {
        self.0
    }

    /// The moment so many days later.
    #[must_use]
    pub const fn plus_days(self, days: u32) -> Self {
        Self(self.0 + days as i64 * DAY_MS)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0.div_euclid(1000), self.0.rem_euclid(1000));
        let (date, second) = (Date::of(seconds.div_euclid(DAY)), seconds.rem_euclid(DAY));
        write!(f, "{date}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
        if milliseconds == 0 { Ok(()) } else { write!(f, ".{milliseconds:03}") }
    }
}

impl std::str::FromStr for Timestamp {
    type Err = NoTimestamp;

    fn from_str(text: &str) -> Result<Self, NoTimestamp> {
        let text = text.strip_suffix('Z').unwrap_or(text);
        let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
        let date = Date::parse(date).ok_or(NoTimestamp)?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut parts = time.split(':').map(|part| number(part, 2));
        let mut part = |end: i64| parts.next().unwrap_or(Some(0)).filter(|part| *part < end);
        let (hour, minute, second) = (part(24), part(60), part(60));
        if parts.next().is_some() || fraction.len() > 3 {
            return Err(NoTimestamp);
        }
        let milliseconds = number(&format!("{fraction:0<3}"), 3);
        let at = || {
            let seconds = date.days() * DAY + hour? * 3600 + minute? * 60 + second?;
            Some(Self(seconds * 1000 + milliseconds?))
        };
        at().ok_or(NoTimestamp)
    }
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A date of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
}

impl Date {
    /// The date of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days`
    /// (<https://howardhinnant.github.io/date_algorithms.html>).
    pub(crate) fn of(days: i64) -> Self {
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        }
    }

    /// The day, counted from 1970-01-01, by the same author's `days_from_civil`.
    pub(crate) fn days(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let date = Self { year: number(year, 4)?, month: number(month, 2)?, day: number(day, 2)? };
        // A day that the month does not have comes back as another date.
        (parts.next().is_none() && Self::of(date.days()) == date).then_some(date)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// 0 = Sunday to 6 = Saturday, of a day counted from 1970-01-01.
pub(crate) fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// The Monday on or before a day.
pub(crate) fn monday(days: i64) -> i64 {
    days - (weekday(days) + 6) % 7
}

/// The ISO year and week of a day: a week belongs to the year that its Thursday is in.
pub(crate) fn iso_week(days: i64) -> (i64, i64) {
    let thursday = monday(days) + 3;
    let year = Date::of(thursday).year;
    let first = Date { year, month: 1, day: 1 }.days();
    (year, (thursday - first) / 7 + 1)
}

/// Whether a day is a public holiday of the United States, where the service is.
pub(crate) fn is_holiday(days: i64) -> bool {
    let date = Date::of(days);
    // Of Mondays and Thursdays: the how manieth of the month, and whether it is the last.
    let (nth, last) = ((date.day - 1) / 7 + 1, Date::of(days + 7).month != date.month);
    match (date.month, weekday(days)) {
        (1 | 2, 1) if nth == 3 => true,
        (5, 1) if last => true,
        (9, 1) if nth == 1 => true,
        (10, 1) if nth == 2 => true,
        (11, 4) if nth == 4 => true,
        _ => matches!((date.month, date.day), (1, 1) | (7, 4) | (11, 11) | (12, 25)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        Date::parse(text).unwrap().days()
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for days in (-800_000..800_000).step_by(17) {
            assert_eq!(Date::of(days).days(), days);
        }
        assert_eq!(Date::of(day("2020-02-29") + 1).to_string(), "2020-03-01");
    }

    #[test]
    fn weekdays_and_iso_weeks_are_those_of_the_calendar() {
        assert_eq!(weekday(day("2018-11-01")), 4);
        assert_eq!(weekday(day("1969-12-28")), 0);
        for (text, expected) in [
            ("2018-11-01", (2018, 44)),
            ("2018-12-30", (2018, 52)),
            ("2018-12-31", (2019, 1)),
            ("2021-01-03", (2020, 53)),
            ("2021-01-04", (2021, 1)),
            ("2016-01-01", (2015, 53)),
        ] {
            assert_eq!(iso_week(day(text)), expected, "{text}");
        }
    }

    #[test]
    fn the_holidays_of_2018_are_known() {
        let all: Vec<_> = (day("2018-01-01")..day("2019-01-01"))
            .filter(|days| is_holiday(*days))
            .map(|days| Date::of(days).to_string()[5..].to_owned())
            .collect();
        let expected =
            ["01-01", "01-15", "02-19", "05-28", "07-04", "09-03", "10-08", "11-11", "11-22", "12-25"];
        assert_eq!(all, expected);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2018",
            "2018-13-01",
            "2018-11-31",
            "2018-11-01T24:00",
            "2018-11-01T1:00",
            "01.11.2018",
            "2018-11-01T00:00:00.1234",
            "2018-11-01T00:00:00:00",
            "2018-11-01-01",
            "+018-11-01",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NoTimestamp), "{text}");
        }
        for (text, expected) in [
            ("2018-11-01T20:57", "2018-11-01T20:57:00"),
            ("2018-11-01 20:57:10.7", "2018-11-01T20:57:10.700"),
            ("1969-12-31T23:59:59", "1969-12-31T23:59:59"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), expected);
        }
    }
}
