//! The outbox: one row per user and thing to be notified of, unique forever. Rows are claimed, sent and marked.
//! Rows that are sent in one email are bound together when they are claimed, and share one Message-ID. They are
//! separated again only if the email was certainly not accepted; if the outcome is unknown, the same email is
//! sent again.

mod claim;
mod emails;
mod enqueue;
mod finish;
mod news;
mod query;
mod stream;

pub(super) use self::claim::release_claims;
pub use self::claim::{Claimed, PendingEmail, claim, due, make_due};
pub use self::emails::{EmailState, RecentEmail, recent_emails};
pub use self::enqueue::{
    enqueue, enqueue_goodbye, enqueue_operator, enqueue_sign_in_again, is_enqueued_for_operator,
    record_server_reply,
};
pub use self::finish::{
    defer, defer_all, drop_subject, give_up, mark_dropped, mark_rejected, mark_sent, mark_skipped,
    uncount_attempt,
};
pub use self::news::{
    Audience, enqueue_news, enqueue_news_missed, enqueue_news_seen_since,
    enqueue_news_since_following, enqueue_refused_again, evaluate,
};
pub use self::query::{count_lately, count_pending, delivery_error, last_pending, words_of};
pub use self::stream::{DeliveryStatus, Entry, Part, stream, unconfirmed_stream};

/// What an email is about. All news for a user is sent in one email; anything else has an email of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailKind {
    /// A link that confirms an address. The subject is the link's number.
    Confirm,
    /// The first email to a confirmed address. The subject is always the same.
    Welcome,
    /// A new release. The subject is its id.
    News,
    /// A sample that the user asked for. The subject is the time of the request.
    Sample,
    /// The consent has ended. The subject is when it was given.
    SignInAgain,
    /// The consent ends soon. The subject is when it was given, and how many days are left.
    ConsentEnds,
    /// The last email to a user who deleted their account. The subject is the number of their goodbye email.
    Goodbye,
    /// The subject is that of an [`crate::domain::operator_alert::OperatorAlert`].
    Operator,
}

impl EmailKind {
    pub const ALL: [Self; 8] = [
        Self::Confirm,
        Self::Welcome,
        Self::News,
        Self::Sample,
        Self::SignInAgain,
        Self::ConsentEnds,
        Self::Goodbye,
        Self::Operator,
    ];

    /// The word in the database, in logs and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Welcome => "welcome",
            Self::News => "news",
            Self::Sample => "sample",
            Self::SignInAgain => "sign_in_again",
            Self::ConsentEnds => "consent_ends",
            Self::Goodbye => "goodbye",
            Self::Operator => "operator",
        }
    }

    fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == raw)
    }
}
