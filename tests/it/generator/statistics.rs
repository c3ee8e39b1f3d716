//! The generated log is like the real one, within a stated distance of each figure.
//!
//! The real log is one draw of 97 users, ten of whom make six tenths of it, so its own figures are some way from
//! those of its model. Each bound is about what 95 of a hundred draws of a hundred users from the generator itself
//! keep from a large log; the test that states the bounds says how far the real log is.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use serde_json::Value;
use sparkify_eventsim::{Existing, LocalDirectory, Progress, Rhythm, Settings, Volume};
use sparkify_testkit::real_data;

use super::figures::{Counts, Figures, Row, kolmogorov_smirnov, total_variation, weighted};

/// The figures of the real log, for those who do not have it.
const RECORDED: &str = include_str!("real_figures.json");

/// Transitions of a page are compared if the real log has so many.
const TRANSITIONS_MIN: u64 = 40;

/// The real log's figures.
static REAL: LazyLock<Figures> =
    LazyLock::new(|| Figures::from_json(&serde_json::from_str(RECORDED).unwrap()));

/// The figures of a log that was generated for the time of the real one.
static GENERATED: LazyLock<Figures> = LazyLock::new(|| figures(1, 2_000, Rhythm::default()));

fn figures(seed: u64, users: u32, rhythm: Rhythm) -> Figures {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("data");
    let settings = Settings {
        seed,
        volume: Volume::Users(users),
        songs: 10,
        from: "2018-11-01T20:57:10.796".parse().unwrap(),
        to: "2018-11-30T19:54:25".parse().unwrap(),
        rhythm,
        ..Settings::default()
    };
    let sink = LocalDirectory::create(&target, Existing::Refuse).unwrap();
    sparkify_eventsim::generate(&settings, &sink, &Progress::default()).unwrap();
    Figures::of(rows(&target))
}

fn rows(source: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut folders = vec![source.join("log_data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                rows.extend(fs::read_to_string(path).unwrap().lines().map(Row::read));
            }
        }
    }
    rows
}

#[test]
fn the_recorded_figures_are_those_of_the_real_log() {
    let Some(source) = real_data() else {
        // Without the real log there is nothing to compare; the record must be whole all the same.
        assert_eq!(REAL.pages.values().sum::<u64>(), 8_056);
        return;
    };
    let real = Figures::of(rows(&source));
    if std::env::var_os("SPARKIFY_RECORD_FIGURES").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/generator/real_figures.json");
        let mut text = String::from("{\n");
        let figures = real.to_json();
        let lines = figures.as_object().unwrap().iter().map(|(name, value)| format!("  \"{name}\": {value}"));
        text.push_str(&lines.collect::<Vec<_>>().join(",\n"));
        fs::write(path, text + "\n}\n").unwrap();
    }
    assert_eq!(real, *REAL);
}

/// The page mix, as total variation.
fn pages(one: &Figures, other: &Figures) -> f64 {
    total_variation(&one.pages, &other.pages)
}

/// The transitions, as the mean total variation of the pages, weighted by how often they come.
fn transitions(real: &Figures, other: &Figures) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (place, after) in &real.transitions {
        let weight = after.values().sum::<u64>();
        if weight >= TRANSITIONS_MIN {
            let empty = Counts::new();
            let found = other.transitions.get(place).unwrap_or(&empty);
            sum += weight as f64 * total_variation(after, found);
            weights += weight as f64;
        }
    }
    sum / weights
}

fn hours(one: &Figures, other: &Figures) -> f64 {
    total_variation(&one.hours, &other.hours)
}

fn weekdays(one: &Figures, other: &Figures) -> f64 {
    total_variation(&one.weekdays, &other.weekdays)
}

fn session_lengths(one: &Figures, other: &Figures) -> f64 {
    kolmogorov_smirnov(weighted(&one.session_lengths), weighted(&other.session_lengths))
}

/// Each user counts alike: a few users have most of the waits, and each user has a mean of their own.
fn waits(one: &Figures, other: &Figures) -> f64 {
    let each_user_alike = |figures: &Figures| {
        let users = figures.waits.values();
        users.flat_map(|waits| waits.iter().map(|wait| (*wait as f64, 1.0 / waits.len() as f64))).collect()
    };
    kolmogorov_smirnov(each_user_alike(one), each_user_alike(other))
}

/// The waits of each user over the user's own mean, of those with eight or more.
fn waits_over_mean(one: &Figures, other: &Figures) -> f64 {
    let over_mean = |figures: &Figures| {
        let users = figures.waits.values().filter(|waits| waits.len() >= 8);
        let over = users.flat_map(|waits| {
            let mean = waits.iter().sum::<i64>() as f64 / waits.len() as f64 + 1e-9;
            waits.iter().map(move |wait| (*wait as f64 / mean, 1.0))
        });
        over.collect()
    };
    kolmogorov_smirnov(over_mean(one), over_mean(other))
}

fn songs(one: &Figures, other: &Figures) -> f64 {
    kolmogorov_smirnov(weighted(&one.songs), weighted(&other.songs))
}

fn session_gaps(one: &Figures, other: &Figures) -> f64 {
    kolmogorov_smirnov(weighted(&one.session_gaps), weighted(&other.session_gaps))
}

type Distance = fn(&Figures, &Figures) -> f64;

/// Each figure with its distance and the bound that the generated log keeps.
const DISTANCES: [(&str, Distance, f64); 9] = [
    ("page mix", pages, 0.03),
    ("transitions", transitions, 0.02),
    ("hours", hours, 0.09),
    ("weekdays of session starts", weekdays, 0.055),
    ("session lengths", session_lengths, 0.08),
    ("waits on pages", waits, 0.10),
    ("waits over their mean", waits_over_mean, 0.04),
    ("song to song", songs, 0.045),
    ("gaps between sessions", session_gaps, 0.095),
];

#[test]
fn each_figure_is_within_its_bound_of_the_real_log() {
    let mut found = BTreeMap::new();
    let mut too_far = Vec::new();
    for (name, distance, bound) in DISTANCES {
        let distance = distance(&REAL, &GENERATED);
        println!("{name:<28} {distance:.4}, bound {bound}");
        if distance > bound {
            too_far.push(name);
        }
        found.insert(name, distance);
    }
    assert!(too_far.is_empty(), "{too_far:?} of {found:#?}");
}

#[test]
fn each_bound_tells_a_wrong_model_from_the_right_one() {
    let even = figures(1, 1_000, Rhythm { daily_damping: 0.0, weekend_damping: 0.0, ..Rhythm::default() });
    let hasty = figures(
        1,
        1_000,
        Rhythm { seconds_between_pages: 30.0, days_between_sessions: 2.0, ..Rhythm::default() },
    );
    for (name, wrong) in [
        ("hours", &even),
        ("weekdays of session starts", &even),
        ("waits on pages", &hasty),
        ("gaps between sessions", &hasty),
    ] {
        let (_, distance, bound) = DISTANCES.iter().find(|(known, ..)| *known == name).unwrap();
        assert!(distance(&REAL, wrong) > *bound, "{name}: {} is within {bound}", distance(&REAL, wrong));
    }
    // A log of free users only has other pages, transitions and sessions.
    let mut free = Figures::from_json(&GENERATED.to_json());
    free.pages.insert("Home".to_owned(), free.pages["Home"] * 2);
    free.transitions = BTreeMap::new();
    free.session_lengths.insert("1".to_owned(), free.session_lengths["1"] * 2);
    free.songs = free
        .songs
        .iter()
        .map(|(seconds, count)| ((seconds.parse::<i64>().unwrap() + 20).to_string(), *count))
        .collect();
    for name in ["page mix", "transitions", "session lengths", "song to song"] {
        let (_, distance, bound) = DISTANCES.iter().find(|(known, ..)| *known == name).unwrap();
        assert!(distance(&REAL, &free) > *bound, "{name}: {} is within {bound}", distance(&REAL, &free));
    }
}

#[test]
fn songs_are_played_to_their_end_and_redirects_take_a_second() {
    // What the model says exactly, for the real log as for the generated one.
    for (name, figures) in [("real", &*REAL), ("generated", &*GENERATED)] {
        let next = |place: &str| figures.transitions[place].keys().cloned().collect::<Vec<_>>();
        assert_eq!(next("Logged In/free/Submit Upgrade"), ["Home"], "{name}");
        let after_logout: std::collections::BTreeSet<_> =
            next("Logged In/free/Logout").into_iter().chain(next("Logged In/paid/Logout")).collect();
        assert!(after_logout.iter().all(|page| ["END", "Error", "Home"].contains(&page.as_str())), "{name}");
    }
    let unknown: Vec<_> = REAL
        .transitions
        .iter()
        .flat_map(|(place, after)| after.keys().map(move |page| (place, page)))
        .filter(|(place, page)| {
            GENERATED.transitions.get(*place).is_none_or(|after| !after.contains_key(*page))
        })
        .collect();
    assert!(unknown.is_empty(), "transitions that the model does not have: {unknown:?}");
}

#[test]
fn plays_spread_over_songs_and_users_as_in_the_real_log() {
    // Eight draws of the real log's size: 5,324 of 6,820 plays are of different songs; ten users play 62 %.
    let directory = tempfile::tempdir().unwrap();
    let (mut distinct, mut top_ten) = (Vec::new(), Vec::new());
    for seed in 1..=8 {
        let target = directory.path().join(seed.to_string());
        let settings = Settings { seed, songs: 15_000, match_rate: 0.0468, ..Settings::default() };
        let sink = LocalDirectory::create(&target, Existing::Refuse).unwrap();
        sparkify_eventsim::generate(&settings, &sink, &Progress::default()).unwrap();
        let (mut songs, mut users, mut plays) = (std::collections::HashSet::new(), BTreeMap::new(), 0.0);
        for entry in fs::read_dir(target.join("log_data/2018/11")).unwrap() {
            for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                if row["page"] == "NextSong" {
                    plays += 1.0;
                    songs.insert(format!("{}{}{}", row["artist"], row["song"], row["length"]));
                    *users.entry(row["userId"].to_string()).or_insert(0.0) += 1.0;
                }
            }
        }
        let mut by_user: Vec<f64> = users.into_values().collect();
        by_user.sort_by(f64::total_cmp);
        distinct.push(songs.len() as f64 / plays);
        top_ten.push(by_user.iter().rev().take(10).sum::<f64>() / plays);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    // A larger log repeats more songs; those of this size repeat a fifth of them.
    assert!((mean(&distinct) - 5_324.0 / 6_820.0).abs() < 0.04, "{distinct:?}");
    assert!((mean(&top_ten) - 0.62).abs() < 0.08, "{top_ten:?}");
}
