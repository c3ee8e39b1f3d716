//! What the users do: their sessions, and the events of these.

use crate::calendar::liveliness;
use crate::catalogue::{Catalogue, Track};
use crate::pages::{Page, State};
use crate::people::Person;
use crate::random::Random;

/// The least seconds from a session's last event to the next session.
const PAUSE: u64 = 1_800;

/// One line of the log. Times are in seconds since the sample's start.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) at: u64,
    pub(crate) session: u64,
    pub(crate) item: u64,
    pub(crate) person: &'a Person,
    pub(crate) page: Page,
    pub(crate) state: State,
    /// What is played, for a `NextSong`.
    pub(crate) track: Option<&'a Track>,
}

/// The events of everybody from the start up to `end`, in the log's order.
///
/// Sessions are numbered from 1 as they begin. `random` gives each user a stream of their own.
pub(crate) fn events<'a>(
    people: &'a [Person],
    catalogue: &'a Catalogue,
    end: u64,
    random: impl Fn(u64) -> Random,
) -> Vec<Event<'a>> {
    let mut sessions: Vec<Vec<Event<'a>>> =
        people.iter().flat_map(|person| sessions(person, catalogue, end, random(person.id))).collect();
    // Equal starts keep the order of the users.
    sessions.sort_by_key(|session| session.first().map(|event| event.at));
    for (number, session) in (1..).zip(&mut sessions) {
        for event in session {
            event.session = number;
        }
    }
    let mut events: Vec<_> = sessions.into_iter().flatten().collect();
    events.sort_by_key(|event| (event.at, event.session, event.item));
    events
}

/// The sessions of a user.
fn sessions<'a>(
    person: &'a Person,
    catalogue: &'a Catalogue,
    end: u64,
    mut random: Random,
) -> Vec<Vec<Event<'a>>> {
    let mut sessions = Vec::new();
    let mut state = person.state;
    let mut at = 0;
    loop {
        // Plans that fall into a quiet hour are mostly put off.
        loop {
            at += random.exponential(person.between_sessions);
            if at >= end || random.chance(liveliness(at)) {
                break;
            }
        }
        if at >= end {
            return sessions;
        }
        let session = session(person, &mut state, at, end, catalogue, &mut random);
        at = session.last().map_or(at, |event| event.at) + PAUSE;
        sessions.push(session);
    }
}

/// A session from its start, cut off at `end`; leaves the state in which the user went.
fn session<'a>(
    person: &'a Person,
    state: &mut State,
    start: u64,
    end: u64,
    catalogue: &'a Catalogue,
    random: &mut Random,
) -> Vec<Event<'a>> {
    let mut events = Vec::new();
    let mut at = start;
    let mut page = state.first_page(random);
    let mut song_ends = 0;
    loop {
        let track = (page == Page::NextSong).then(|| catalogue.choose(random));
        let item = events.len() as u64;
        events.push(Event { at, session: 0, item, person, page, state: *state, track });

        *state = state.after(page);
        match (page, track) {
            (_, Some(track)) => song_ends = at + track.duration / 100_000,
            (Page::Logout, None) => song_ends = 0,
            _ => {}
        }
        let Some(next) = state.next_page(page, random) else { return events };
        at = if page.redirects() {
            at + 1
        } else if next == Page::NextSong && song_ends > at {
            song_ends
        } else {
            at + random.exponential(person.on_a_page)
        };
        if at >= end {
            return events;
        }
        page = next;
    }
}
