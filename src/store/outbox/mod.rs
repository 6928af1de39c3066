//! What is owed to users: one row for each thing, unique for ever by what it is about.
//!
//! Claim, act, mark. Rows that leave in one email are bound together when they are claimed, and
//! carry one Message-ID. They come apart again only when it is certain that the email was not
//! accepted; where nobody knows, the very same email is repeated.

mod claim;
mod emails;
mod look;
mod news;
mod owe;
mod settle;
mod stream;

pub(super) use self::claim::release_claims;
pub use self::claim::{Claimed, Unit, claim, due, make_due};
pub use self::emails::{Fate, Lately, lately};
pub use self::look::{count_lately, count_owed, last_owed, trouble_of, words_of};
pub(super) use self::news::plan_anew;
pub use self::news::{
    Audience, owe_news, owe_news_missed, owe_news_seen_since, owe_news_since_following,
    owe_refused_again,
};
pub use self::owe::{
    is_owed_to_operator, owe, owe_good_bye, owe_operator, owe_sign_in_again, quote_to_operator,
};
pub use self::settle::{
    blameless, drop_subject, dropped, give_up, put_all_off, put_off, refused, sent, unwanted,
};
pub use self::stream::{Entry, Part, Told, stream, unconfirmed_stream};

/// What kind of thing is owed. News to a user goes in one email, anything else in its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A link that confirms an address; the subject is the link's number.
    Confirm,
    /// The first email to an address that was confirmed; the subject is always the same.
    Welcome,
    /// A new album; the subject is its id.
    News,
    /// An email like one with news, for somebody who wants to see one; the subject is when they asked.
    Sample,
    /// The consent has ended; the subject is when it was given.
    SignInAgain,
    /// The consent ends soon; the subject is when it was given, and how many days ahead this is.
    ConsentEnds,
    /// The last email to somebody who left; the subject is the number of their farewell.
    GoodBye,
    /// Something for the operator; the subject is a [`crate::domain::operator_alert::OperatorAlert`] and the day.
    Operator,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Confirm,
        Self::Welcome,
        Self::News,
        Self::Sample,
        Self::SignInAgain,
        Self::ConsentEnds,
        Self::GoodBye,
        Self::Operator,
    ];

    /// The word in the database and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Welcome => "welcome",
            Self::News => "news",
            Self::Sample => "sample",
            Self::SignInAgain => "sign_in_again",
            Self::ConsentEnds => "consent_ends",
            Self::GoodBye => "good_bye",
            Self::Operator => "operator",
        }
    }

    fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == raw)
    }
}
