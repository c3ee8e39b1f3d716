//! What is known of a run, which decides the steps that it needs.

use std::collections::BTreeMap;

use super::Condition;

/// Something that may hold of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// An attempt that may have been published came before.
    Unconfirmed,
    /// There are files to load.
    Files,
    /// There are files with events.
    EventFiles,
    /// There are files with songs.
    SongFiles,
    /// A file has changed since it was loaded.
    ChangedFiles,
    /// A file with events has.
    ChangedEventFiles,
    /// A file with songs has.
    ChangedSongFiles,
    /// A file has another time than in the ledger, and the content that was loaded.
    TouchedFiles,
    /// The match rule is another one than in the last run.
    RuleChanged,
    /// There were no rows in staging and the star.
    FirstLoad,
    /// There were plays before.
    HadPlays,
    /// Records are set aside.
    Rejects,
    /// An event came before.
    RepeatedEvents,
    /// A song came before.
    RepeatedSongs,
    /// Two events contradict each other.
    ConflictingEvents,
    /// Staged events are delivered anew.
    ReplacedEvents,
    /// Staged songs are delivered anew.
    ReplacedSongs,
}

impl Fact {
    /// The fact in words, behind "when".
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Unconfirmed => "the connection broke while an earlier attempt committed",
            Self::Files => "there are files to load",
            Self::EventFiles => "there are files with events",
            Self::SongFiles => "there are files with songs",
            Self::ChangedFiles => "a file has changed since it was loaded",
            Self::ChangedEventFiles => "a file with events has changed since it was loaded",
            Self::ChangedSongFiles => "a file with songs has changed since it was loaded",
            Self::TouchedFiles => "a file has another time and the same content",
            Self::RuleChanged => "the match rule is another one",
            Self::FirstLoad => "the tables were empty",
            Self::HadPlays => "there were plays before",
            Self::Rejects => "records are set aside",
            Self::RepeatedEvents => "an event came before",
            Self::RepeatedSongs => "a song came before",
            Self::ConflictingEvents => "two events contradict each other",
            Self::ReplacedEvents => "staged events are delivered anew",
            Self::ReplacedSongs => "staged songs are delivered anew",
        }
    }
}

/// The facts of a run, each with a number of files or rows.
#[derive(Debug, Default)]
pub(crate) struct Facts(BTreeMap<Fact, u64>);

impl Facts {
    pub(crate) fn set(&mut self, fact: Fact, count: u64) {
        self.0.insert(fact, count);
    }

    pub(crate) fn has(&self, fact: Fact) -> bool {
        self.0.get(&fact).is_some_and(|count| *count > 0)
    }

    pub(crate) fn meet(&self, condition: Condition) -> bool {
        let any = |facts: &[Fact]| facts.iter().any(|fact| self.has(*fact));
        match condition {
            Condition::Always => true,
            Condition::If(facts) => any(facts),
            Condition::FirstWith(facts) => any(facts) && self.has(Fact::FirstLoad),
            Condition::Later(facts) => any(facts) && !self.has(Fact::FirstLoad),
            Condition::RematchSome => self.meet(Condition::Rematch) && !self.has(Fact::RuleChanged),
            Condition::Rematch => {
                self.has(Fact::HadPlays) && any(&[Fact::RuleChanged, Fact::SongFiles, Fact::ReplacedSongs])
            }
        }
    }
}

impl Condition {
    /// The condition as the end of a comment; nothing if it always holds.
    pub(super) fn comment(self) -> String {
        let any = |facts: &[Fact]| facts.iter().map(|fact| fact.words()).collect::<Vec<_>>().join(", or ");
        match self {
            Self::Always => String::new(),
            Self::If(facts) => format!(" (when {})", any(facts)),
            Self::FirstWith(facts) => format!(" (when {}, and the tables were empty)", any(facts)),
            Self::Later(facts) => format!(" (when {}, unless the tables were empty)", any(facts)),
            Self::RematchSome => " (when songs came or went, and there were plays before)".to_owned(),
            Self::Rematch => " (when earlier plays may match otherwise now)".to_owned(),
        }
    }
}
