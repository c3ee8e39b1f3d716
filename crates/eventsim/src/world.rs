//! What all users share, and who they are.

use rayon::prelude::*;

use crate::{
    Error, Progress, Settings,
    catalogue::{Catalogue, Universe},
    clock::YEAR,
    pages::Machine,
    people::Vocabulary,
    random::Random,
    settings::COUNT_MAX,
    truth::StarSongs,
    user::{MILLISECONDS, User},
};

/// The stream of the arrivals of new users.
const ARRIVALS: u64 = 4 << 40;
/// Users that are simulated in one piece of work.
pub(crate) const USERS_PER_TASK: usize = 512;
/// The source counts its users from 2.
pub(crate) const FIRST_USER_ID: i64 = 2;
/// Users of the trial that tells how much new ones do.
pub(crate) const TRIAL: u32 = 1_000;

/// What all users share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) machine: Machine,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) universe: Universe,
    /// The first millisecond that is written.
    pub(crate) first_ms: i64,
    /// The first second that is simulated no more.
    pub(crate) end: i64,
}

impl World {
    pub(crate) fn new(settings: Settings, catalogue: &Catalogue, songs: &StarSongs) -> Self {
        let universe = Universe::new(
            settings.seed,
            catalogue,
            songs,
            settings.match_rate,
            settings.tracks,
            settings.traps,
        );
        Self {
            settings,
            machine: Machine::new(),
            vocabulary: Vocabulary::new(),
            universe,
            first_ms: settings.from.milliseconds(),
            end: seconds_before(settings.to.milliseconds()),
        }
    }

    /// The users from the start.
    pub(crate) fn initial(&self, count: u32) -> Vec<User> {
        (0..count).into_par_iter().map(|index| User::initial(self, index)).collect()
    }

    /// How many users it takes to have about so many events.
    pub(crate) fn users_for(&self, events: u64, progress: &Progress) -> Result<u32, Error> {
        // What users do does not depend on how many there are, so their events can be counted beforehand. Only
        // how many new ones come depends on it.
        let wanted = (events as f64 / self.growth_of_events(progress)?) as u64;
        let (mut users, mut counted) = (0_u32, 0_u64);
        let mut batch = 2_000_u32;
        while users < COUNT_MAX {
            let counts = (users..users.saturating_add(batch).min(COUNT_MAX))
                .into_par_iter()
                .map(|index| {
                    progress.check()?;
                    Ok(count_events(self, User::initial(self, index)))
                })
                .collect::<Result<Vec<u64>, Error>>()?;
            for count in counts {
                // Whichever is nearer, with or without the user who makes it too many.
                if counted + count > wanted {
                    let is_nearer = counted + count - wanted < wanted - counted;
                    return Ok(users + u32::from(is_nearer || users == 0));
                }
                counted += count;
                users += 1;
            }
            batch = batch.saturating_mul(2).min(200_000);
            if counted == 0 && users > 1_000_000 {
                return Ok(users);
            }
        }
        let problem = format!("are more than {COUNT_MAX} users do in that time");
        Err(Error::Setting { setting: "events", problem })
    }

    /// By which factor new users multiply the events.
    fn growth_of_events(&self, progress: &Progress) -> Result<f64, Error> {
        if self.settings.growth_rate == 0.0 {
            return Ok(1.0);
        }
        let of_initial = (0..TRIAL)
            .into_par_iter()
            .map(|index| {
                progress.check()?;
                Ok(count_events(self, User::initial(self, index)))
            })
            .sum::<Result<u64, Error>>()?;
        let mut arrivals = Arrivals::new(self, TRIAL);
        let mut of_new = 0;
        while let Some(user) = arrivals.before(self, self.end) {
            progress.check()?;
            of_new += count_events(self, user);
        }
        Ok(1.0 + of_new as f64 / of_initial.max(1) as f64)
    }
}

fn count_events(world: &World, mut user: User) -> u64 {
    let mut events = 0;
    user.advance(world, world.end, |_| events += 1);
    events
}

/// The first second whose events, with their milliseconds, are not before a time.
pub(crate) const fn seconds_before(milliseconds: i64) -> i64 {
    (milliseconds - MILLISECONDS + 999).div_euclid(1000)
}

/// New users, one after the other.
#[derive(Debug)]
pub(crate) struct Arrivals {
    random: Random,
    users: u32,
    next: i64,
}

impl Arrivals {
    /// The arrivals at a service that has so many users.
    pub(crate) fn new(world: &World, users: u32) -> Self {
        let random = Random::stream(world.settings.seed, ARRIVALS);
        let mut arrivals = Self { random, users, next: world.first_ms.div_euclid(1000) };
        arrivals.go_on(world);
        arrivals
    }

    /// The next user, if one comes before a second.
    pub(crate) fn before(&mut self, world: &World, second: i64) -> Option<User> {
        if self.next >= second {
            return None;
        }
        let user = User::arriving(world, self.users, self.next);
        self.users += 1;
        self.go_on(world);
        Some(user)
    }

    fn go_on(&mut self, world: &World) {
        let a_year = f64::from(self.users) * world.settings.growth_rate;
        if a_year <= 0.0 || self.users >= u32::MAX / 2 {
            self.next = i64::MAX;
        } else {
            self.next += self.random.exponential(YEAR / a_year) as i64;
        }
    }
}
