//! What it costs: estimates, never quotes.

use serde::Serialize;

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
