//! What it costs: estimates, never quotes.

use std::time::Duration;

use serde::Serialize;

use crate::config::{BreachAction, Period, UsageLimit};

/// One item of the estimate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostItem {
    /// What is paid for, such as `2 × ra3.large`.
    pub what: String,
    /// US dollars an hour, or `None` if the price is not known.
    pub usd_per_hour: Option<f64>,
    /// When it is paid: always, only while queries run, …
    pub when: String,
    /// Where the price is from, with its date.
    pub source: Option<String>,
}

/// What a deployment costs. It is an estimate, not a quote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostEstimate {
    /// The items.
    pub items: Vec<CostItem>,
    /// US dollars an hour while it is in use; `None` if a price is not known.
    pub usd_per_hour: Option<f64>,
    /// US dollars for a month of 730 hours: of a cluster that is never paused, or the usage limit of Serverless.
    /// `None` if a price is not known or nothing limits it.
    pub usd_per_month: Option<f64>,
    /// That it is an estimate, of which date, and what is not in it.
    pub note: String,
}

/// Prices by the hour in US dollars.
struct Price {
    what: &'static str,
    usd_per_hour: f64,
    regions: &'static [&'static str],
    source: &'static str,
}

/// On-demand prices. They age: change them here, with source and date.
const PRICES: [Price; 7] = [
    Price {
        what: "ra3.large",
        usd_per_hour: 0.543,
        regions: RA3_REGIONS,
        source: "aws.amazon.com/redshift/pricing, 7 October 2026; us-west-2 assumed equal to us-east-1",
    },
    Price { what: "ra3.xlplus", usd_per_hour: 1.086, regions: RA3_REGIONS, source: RA3_SOURCE },
    Price { what: "ra3.4xlarge", usd_per_hour: 3.26, regions: RA3_REGIONS, source: RA3_SOURCE },
    Price { what: "ra3.16xlarge", usd_per_hour: 13.04, regions: RA3_REGIONS, source: RA3_SOURCE },
    Price {
        what: "rg.large",
        usd_per_hour: 0.38,
        regions: &["us-east-1"],
        source: "derived from rg.xlarge, 24 September 2026",
    },
    Price {
        what: "rg.xlarge",
        usd_per_hour: 0.7602,
        regions: &["us-east-1"],
        source: "a published test fixture, 24 September 2026",
    },
    Price {
        what: RPU,
        usd_per_hour: 0.375,
        regions: &["us-east-1"],
        source: "aws.amazon.com/redshift/pricing, 7 October 2026",
    },
];

const RA3_REGIONS: &[&str] = &["us-east-1", "us-west-2"];
const RA3_SOURCE: &str = "published tables, March 2026; us-west-2 assumed equal to us-east-1";
const RPU: &str = "RPU";
const HOURS_PER_MONTH: f64 = 730.0;

const NOTE: &str = "an estimate, not a quote; not in it are storage (about 0.024 USD per GB and month), snapshots, \
                    the secret with the password, public addresses and data transfer";

fn price(what: &str, region: &str) -> Option<&'static Price> {
    PRICES.iter().find(|price| price.what == what && price.regions.contains(&region))
}

/// The price of an RPU. Where that of us-west-2 is not known it is that of us-east-1, and said to be.
fn rpu_price(region: &str) -> Option<(&'static Price, String)> {
    if let Some(price) = price(RPU, region) {
        return Some((price, price.source.to_owned()));
    }
    let elsewhere = price(RPU, "us-east-1").filter(|_| region == "us-west-2")?;
    Some((
        elsewhere,
        format!("{}; the price of us-east-1, that of {region} is not known here", elsewhere.source),
    ))
}

/// Rounded to hundredths of a cent, so that sums do not show the noise of binary fractions.
fn rounded(usd: f64) -> f64 {
    (usd * 10_000.0).round() / 10_000.0
}

impl CostEstimate {
    /// The cost of nodes that are always there.
    pub(crate) fn of_cluster(node_type: &str, nodes: u32, region: &str) -> Self {
        let price = price(node_type, region);
        let usd_per_hour = price.map(|price| rounded(price.usd_per_hour * f64::from(nodes)));
        Self {
            items: vec![CostItem {
                what: format!("{nodes} × {node_type}"),
                usd_per_hour,
                when: "always, unless it is paused".to_owned(),
                source: price.map(|price| price.source.to_owned()),
            }],
            usd_per_hour,
            usd_per_month: usd_per_hour.map(|usd| rounded(usd * HOURS_PER_MONTH)),
            note: note(node_type, region, price),
        }
    }

    /// The most that the compute of Serverless can have cost in this time: its limit for each period that has
    /// begun. `None` if the limit only tells, or the price is not known.
    pub(crate) fn at_most(limit: UsageLimit, age: Duration, region: &str) -> Option<f64> {
        let (price, _) = rpu_price(region).filter(|_| limit.on_breach == BreachAction::Deactivate)?;
        let days = age.as_secs_f64() / 86_400.0;
        // Periods begin at fixed times, so that one more than fits may have begun. The shortest month has 28 days.
        let periods = match limit.period {
            Period::Daily => days,
            Period::Weekly => days / 7.0,
            Period::Monthly => days / 28.0,
        };
        Some(price.usd_per_hour * f64::from(limit.rpu_hours) * (periods.ceil() + 1.0))
    }

    /// The cost of compute that is there while queries run.
    pub(crate) fn of_serverless(base: u32, limit: Option<UsageLimit>, region: &str) -> Self {
        let (price, source) = rpu_price(region).unzip();
        let usd_per_hour = price.map(|price| rounded(price.usd_per_hour * f64::from(base)));
        let times = limit.map(|limit| match limit.period {
            Period::Daily => (limit.rpu_hours, HOURS_PER_MONTH / 24.0),
            Period::Weekly => (limit.rpu_hours, HOURS_PER_MONTH / (24.0 * 7.0)),
            Period::Monthly => (limit.rpu_hours, 1.0),
        });
        let limited = limit.is_some_and(|limit| limit.on_breach == BreachAction::Deactivate);
        let usd_per_month = times
            .filter(|_| limited)
            .zip(price)
            .map(|((hours, times), price)| rounded(f64::from(hours) * times * price.usd_per_hour));
        let mut note = note("an RPU", region, price);
        if !limited {
            note.push_str("; no usage limit stops it, so a month can cost any amount");
        }
        Self {
            items: vec![CostItem {
                what: format!("{base} RPUs"),
                usd_per_hour,
                when: "while queries run, by the second, at least 60 seconds each time".to_owned(),
                source,
            }],
            usd_per_hour,
            usd_per_month,
            note,
        }
    }
}

fn note(what: &str, region: &str, price: Option<&Price>) -> String {
    match price {
        Some(_) => NOTE.to_owned(),
        None => format!(
            "the price of {what} in {region} is not known here: see aws.amazon.com/redshift/pricing; {NOTE}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_of_the_default_cluster_has_a_price_with_a_date() {
        let cost = CostEstimate::of_cluster("ra3.large", 1, "us-west-2");
        assert_eq!((cost.usd_per_hour, cost.usd_per_month), (Some(0.543), Some(396.39)));
        assert!(cost.note.contains("not a quote"));
        assert!(cost.items[0].source.as_ref().unwrap().contains("2026"));
        assert_eq!(CostEstimate::of_cluster("ra3.xlplus", 3, "us-east-1").usd_per_hour, Some(3.258));
    }

    #[test]
    fn an_unknown_price_is_not_guessed() {
        for (node_type, region) in
            [("ra3.large", "eu-south-1"), ("rg.12xlarge", "us-east-1"), ("rg.large", "us-west-2")]
        {
            let cost = CostEstimate::of_cluster(node_type, 2, region);
            assert_eq!((cost.usd_per_hour, cost.usd_per_month), (None, None), "{node_type} {region}");
            assert!(cost.note.contains("not known"), "{}", cost.note);
        }
    }

    #[test]
    fn a_month_of_serverless_costs_at_most_its_limit() {
        let limit = |rpu_hours, period, on_breach| Some(UsageLimit { rpu_hours, period, on_breach });
        let month = |limit| CostEstimate::of_serverless(4, limit, "us-east-1").usd_per_month;
        assert_eq!(month(limit(100, Period::Monthly, BreachAction::Deactivate)), Some(37.5));
        assert_eq!(month(limit(24, Period::Daily, BreachAction::Deactivate)), Some(273.75));
        assert_eq!(month(limit(100, Period::Monthly, BreachAction::Log)), None, "it only tells");
        assert_eq!(month(None), None);
        let cost = CostEstimate::of_serverless(4, None, "us-east-1");
        assert_eq!(cost.usd_per_hour, Some(1.5));
        assert!(cost.note.contains("any amount"));
        assert_eq!(CostEstimate::of_serverless(4, None, "eu-west-1").usd_per_hour, None);
    }

    #[test]
    fn the_price_of_another_region_is_shown_as_such() {
        let cost = CostEstimate::of_serverless(4, None, "us-west-2");
        assert_eq!(cost.usd_per_hour, Some(1.5));
        let source = cost.items[0].source.as_ref().unwrap();
        assert!(source.contains("the price of us-east-1, that of us-west-2 is not known here"), "{source}");
        assert!(!cost.note.contains("is not known here"), "{}", cost.note);
    }

    #[test]
    fn serverless_has_cost_at_most_its_limit_for_each_period_that_has_begun() {
        let limit = |period, on_breach| UsageLimit { rpu_hours: 100, period, on_breach };
        let at_most = |period, days: u64| {
            let age = Duration::from_secs(days * 86_400);
            CostEstimate::at_most(limit(period, BreachAction::Deactivate), age, "us-east-1")
        };
        assert_eq!(at_most(Period::Monthly, 3), Some(75.0), "two months may have begun");
        assert_eq!(at_most(Period::Daily, 3), Some(150.0));
        assert_eq!(at_most(Period::Weekly, 15), Some(150.0));
        let age = Duration::from_secs(1);
        assert_eq!(CostEstimate::at_most(limit(Period::Daily, BreachAction::Log), age, "us-east-1"), None);
        assert_eq!(
            CostEstimate::at_most(limit(Period::Daily, BreachAction::Deactivate), age, "eu-west-1"),
            None
        );
    }
}
