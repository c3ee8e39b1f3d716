//! What one user does.

use crate::{
    clock::{DAY, YEAR},
    event::{Event, NO_TRACK},
    pages::{Auth, Level, Page, State},
    people::{Profile, registered_before},
    random::Random,
    traps,
    world::World,
};

/// The stream of a user is this plus the user's index.
const USERS: u64 = 1 << 40;
/// How different users are: the deviation of the logarithm of their means.
const SPREAD: f64 = 1.0;
/// All times have the same milliseconds, as the source's do.
pub(crate) const MILLISECONDS: i64 = 796;

/// A simulated user between two events.
#[derive(Debug)]
pub(crate) struct User {
    random: Random,
    /// Mean seconds on a page.
    page_gap: f64,
    /// Mean seconds between sessions.
    session_gap: f64,
    /// When the next event is, in Unix seconds.
    next: i64,
    /// When the present song ends.
    song_ends: i64,
    index: u32,
    ordinal: u32,
    item: u32,
    /// The page of the next event.
    state: State,
    is_gone: bool,
    /// Whether an event of the present session was written.
    is_begun: bool,
    pub(crate) profile: Profile,
}

impl User {
    /// One of the users that there are from the start.
    pub(crate) fn initial(world: &World, index: u32) -> Self {
        let mut random = Random::stream(world.settings.seed, USERS + u64::from(index));
        let start = world.settings.from.milliseconds();
        let before = registered_before(world.settings.growth_rate, &mut random);
        // Registered within the second at least, so that nobody does anything before.
        let registration = (start - before).div_euclid(1000) * 1000 - 1000 + MILLISECONDS;
        let auth = if random.below(11) < 10 { Auth::LoggedIn } else { Auth::LoggedOut };
        let level = if random.below(12) < 10 { Level::Free } else { Level::Paid };
        let mut user = Self::new(world, index, registration, random);
        // Sessions are under way when the log begins: those from before are simulated and not written.
        let start = start.div_euclid(1000);
        let mean = user.session_gap;
        let mut next = start - (2.0 * mean) as i64;
        while next < start - mean as i64 {
            next = world.settings.rhythm.next_session(next, mean, &mut user.random);
        }
        user.next = next;
        user.state = world.machine.first(auth, level, &mut user.random);
        user
    }

    /// A user who comes later, as a guest.
    pub(crate) fn arriving(world: &World, index: u32, second: i64) -> Self {
        let random = Random::stream(world.settings.seed, USERS + u64::from(index));
        let mut user = Self::new(world, index, second * 1000 + MILLISECONDS, random);
        user.next = second;
        user.state = world.machine.first(Auth::Guest, Level::Free, &mut user.random);
        user
    }

    fn new(world: &World, index: u32, registration: i64, mut random: Random) -> Self {
        let rhythm = &world.settings.rhythm;
        // Divided so that the mean over all users is what it says.
        let mut around = |mean: f64| mean * libm::exp(SPREAD * random.normal() - SPREAD * SPREAD / 2.0);
        let page_gap = around(rhythm.seconds_between_pages);
        let session_gap = around(rhythm.days_between_sessions * DAY as f64);
        let profile = Profile::draw(&world.vocabulary, registration, &mut random);
        Self {
            random,
            page_gap,
            session_gap,
            next: 0,
            song_ends: 0,
            index,
            ordinal: 0,
            item: 0,
            state: State { page: Page::Home, auth: Auth::Guest, level: Level::Free },
            is_gone: false,
            is_begun: false,
            profile,
        }
    }

    /// Goes on until a second, which is outside, and hands over the events that are written.
    #[inline]
    pub(crate) fn advance(&mut self, world: &World, until: i64, mut emit: impl FnMut(Event)) {
        while self.next < until && !self.is_gone {
            let track = if self.state.page == Page::NextSong {
                let track = world.universe.choose(&mut self.random);
                self.song_ends = self.next + world.universe.seconds(track);
                track
            } else {
                NO_TRACK
            };
            let at = self.next * 1000 + MILLISECONDS;
            if at >= world.first_ms {
                emit(Event {
                    at,
                    session: 0,
                    user: self.index,
                    ordinal: self.ordinal,
                    item: self.item,
                    track,
                    state: self.state,
                    is_first: !self.is_begun,
                    is_late: world.settings.traps
                        && traps::is_late_session(world.settings.seed, self.index, self.ordinal),
                });
                self.is_begun = true;
            }
            self.step(world);
        }
    }

    /// Decides what comes next, and when.
    fn step(&mut self, world: &World) {
        let Some(next) = world.machine.next(self.state, &mut self.random) else {
            return self.end_session(world);
        };
        self.next = if next.page.redirects() {
            self.next + 1
        } else if next.page == Page::NextSong && self.song_ends > self.next {
            self.song_ends
        } else {
            self.next + self.random.exponential(self.page_gap) as i64
        };
        self.item += 1;
        self.state = next;
    }

    fn end_session(&mut self, world: &World) {
        if self.state.auth == Auth::Cancelled {
            self.is_gone = true;
            return;
        }
        let rhythm = &world.settings.rhythm;
        let next = rhythm.next_session(self.next, self.session_gap, &mut self.random);
        if world.settings.attrition_rate > 0.0 {
            let years = (next - self.next) as f64 / YEAR;
            let stays = libm::exp(-world.settings.attrition_rate * years);
            self.is_gone = self.random.unit() >= stays;
        }
        self.next = next;
        self.state = world.machine.first(self.state.auth, self.state.level, &mut self.random);
        (self.ordinal, self.item, self.song_ends, self.is_begun) = (self.ordinal + 1, 0, 0, false);
    }
}
