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

/// What the model says of the pages.
const MODEL: &str = include_str!("../../../crates/eventsim/src/pages/model.txt");

/// A page, or the beginning of a session, is compared where the model expects so many.
const EXPECTED_MIN: f64 = 5.0;

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

/// The transitions, as the mean total variation of the pages, weighted by how often they come. Each page on its own is
/// held against the description of the model below.
fn transitions(real: &Figures, other: &Figures) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (place, after) in &real.transitions {
        let weight = after.values().sum::<u64>() as f64;
        let found = other.transitions.get(place).cloned().unwrap_or_default();
        sum += weight * total_variation(after, &found);
        weights += weight;
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
    let clone = |figures: &Figures| Figures::from_json(&figures.to_json());
    let changed = |change: &dyn Fn(&mut Figures)| {
        let mut figures = clone(&GENERATED);
        change(&mut figures);
        figures
    };
    let longer_songs = |figures: &mut Figures| {
        figures.songs = figures
            .songs
            .iter()
            .map(|(seconds, count)| ((seconds.parse::<i64>().unwrap() + 20).to_string(), *count))
            .collect();
    };
    // Each user waits as long each time.
    let steady = |figures: &mut Figures| {
        for waits in figures.waits.values_mut() {
            let mean = waits.iter().sum::<i64>() / waits.len() as i64;
            waits.fill(mean);
        }
    };
    // In one of 25 cases a song is followed by the start page, and not by a song.
    let restless = |figures: &mut Figures| {
        let after = figures.transitions.get_mut("Logged In/paid/NextSong").unwrap();
        let some = after.values().sum::<u64>() / 25;
        *after.get_mut("NextSong").unwrap() -= some;
        *after.get_mut("Home").unwrap() += some;
    };
    let twice = |counts: &mut Counts, key: &str| *counts.get_mut(key).unwrap() *= 2;
    let wrong = [
        ("hours", clone(&even)),
        ("weekdays of session starts", even),
        ("waits on pages", clone(&hasty)),
        ("gaps between sessions", hasty),
        ("page mix", changed(&|figures| twice(&mut figures.pages, "Home"))),
        ("transitions", changed(&restless)),
        ("session lengths", changed(&|figures| twice(&mut figures.session_lengths, "1"))),
        ("song to song", changed(&longer_songs)),
        ("waits over their mean", changed(&steady)),
    ];
    for (name, distance, bound) in DISTANCES {
        let (_, wrong) = wrong.iter().find(|(known, _)| *known == name).unwrap();
        assert!(distance(&REAL, wrong) > bound, "{name}: {} is within {bound}", distance(&REAL, wrong));
    }
}

/// The chances of the model, by place or by `first login/level`; what is left is the end of the session.
fn model() -> BTreeMap<String, BTreeMap<String, f64>> {
    let lines = MODEL.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |line: &str| {
        let (place, choices) = line.split_once(": ").unwrap();
        let mut chances: BTreeMap<String, f64> = choices
            .split(", ")
            .map(|choice| {
                let (page, chance) = choice.split(" > ").next().unwrap().rsplit_once(' ').unwrap();
                (page.to_owned(), chance.parse().unwrap())
            })
            .collect();
        let sum: f64 = chances.values().sum();
        if place.starts_with("first ") {
            chances.values_mut().for_each(|weight| *weight /= sum);
        } else {
            chances.insert("END".to_owned(), 1.0 - sum);
        }
        (place.to_owned(), chances)
    };
    lines.map(row).collect()
}

/// Of each place what was found.
fn found(figures: &Figures) -> BTreeMap<String, Counts> {
    let first = figures.first_pages.iter().map(|(place, counts)| (format!("first {place}"), counts.clone()));
    first.chain(figures.transitions.clone()).collect()
}

/// How far counts are from chances: the sum of the squares of the deviations over the standard deviation, of how many
/// cells, and the largest of them.
fn deviation(chances: &BTreeMap<String, f64>, found: &Counts) -> (f64, usize, f64) {
    let all = found.values().sum::<u64>() as f64;
    let (mut sum, mut cells, mut largest) = (0.0, 0, 0.0_f64);
    for (page, chance) in
        chances.iter().filter(|(_, chance)| **chance < 1.0 && all * **chance >= EXPECTED_MIN)
    {
        let expected = all * chance;
        let difference = *found.get(page).unwrap_or(&0) as f64 - expected;
        let square = difference * difference / (expected * (1.0 - chance));
        (sum, cells, largest) = (sum + square, cells + 1, largest.max(square.sqrt()));
    }
    (sum, cells, largest)
}

#[test]
fn each_page_leads_on_by_the_chances_of_the_model() {
    let model = model();
    for (name, figures) in [("real", &*REAL), ("generated", &*GENERATED)] {
        let (mut sum, mut cells) = (0.0, 0);
        for (place, found) in found(figures) {
            let chances = model.get(&place).unwrap_or_else(|| panic!("{name}: {place} is not of the model"));
            // Nothing happens that the model does not know.
            for page in found.keys() {
                assert!(chances.get(page).is_some_and(|chance| *chance > 0.0), "{name}: {place} to {page}");
            }
            let (squares, of, largest) = deviation(chances, &found);
            assert!(largest < 4.5, "{name}: {place} is {largest:.1} deviations off: {found:?}");
            (sum, cells) = (sum + squares, cells + of);
        }
        println!("{name}: {sum:.1} in {cells} cells");
        // The mean of a square is 1; a thousandth of all draws would be further off.
        assert!(cells >= 50, "{name}: {cells}");
        assert!(sum < cells as f64 + 3.1 * (2.0 * cells as f64).sqrt() + 6.0, "{name}: {sum} in {cells}");
    }
}

#[test]
fn a_page_that_leads_on_by_other_chances_is_noticed() {
    let model = model();
    let mut compared = 0;
    for (place, counts) in found(&GENERATED) {
        let chances = &model[&place];
        let all = counts.values().sum::<u64>();
        // What is not seen in two thousand users is compared with the description in the tests of the generator.
        if all < 300 || chances.len() == 1 || chances.values().any(|chance| *chance > 0.99) {
            continue;
        }
        compared += 1;
        let mut sorted: Vec<_> = chances.iter().collect();
        sorted.sort_by(|one, other| other.1.total_cmp(one.1));
        // A fifth of all goes elsewhere.
        let mut wrong = counts.clone();
        let some = all / 5;
        *wrong.get_mut(sorted[0].0).unwrap() -= some;
        *wrong.entry(sorted[1].0.clone()).or_default() += some;
        let (.., largest) = deviation(chances, &wrong);
        assert!(largest > 4.5, "{place}: {largest}");
    }
    assert!(compared >= 12, "{compared}");
}

#[test]
fn songs_are_played_to_their_end_and_redirects_take_a_second() {
    // What the model says exactly, for the real log as for the generated one.
    let of = |entries: &[(&str, u64)]| -> Counts {
        entries.iter().map(|(seconds, count)| ((*seconds).to_owned(), *count)).collect()
    };
    assert_eq!(REAL.redirects, of(&[("1", 176)]));
    assert_eq!(REAL.song_ends, of(&[("0", 5_984)]));
    let (redirects, songs) = (GENERATED.redirects["1"], GENERATED.song_ends["0"]);
    assert_eq!(GENERATED.redirects, of(&[("1", redirects)]));
    assert_eq!(GENERATED.song_ends, of(&[("0", songs)]));
    assert!(redirects > 1_000 && songs > 50_000, "{redirects} redirects, {songs} songs");
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
