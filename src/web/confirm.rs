//! The page behind the link that confirms an address. Opening it changes nothing; its button does.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{self, Message, PageResult, shown};
use crate::accounts::address::{self, Confirmation};
use crate::context::Ctx;
use crate::jobs::worker::{Job, JobNotifier};

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    address: String,
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>, Path(token): Path<String>) -> PageResult {
    Ok(match address::look_up(&ctx, &token).await? {
        Confirmation::Good(address) => {
            page::render(&ConfirmPage { address: shown(Some(&address)) })
        }
        other => explain(other),
    })
}

pub(super) async fn confirm(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    Path(token): Path<String>,
) -> PageResult {
    Ok(match address::confirm(&ctx, &token).await? {
        Confirmation::Good(_) => {
            notifier.notify(Job::SendEmails);
            let body = "You’ll get an email when an artist you follow releases an album. There’s \
                        nothing more to do.";
            let action = Some(("Go to Home", "/account"));
            Message { title: "Your address is confirmed", body, action }.with(StatusCode::OK)
        }
        other => explain(other),
    })
}

fn explain(confirmation: Confirmation) -> Response {
    let action = Some(("Go to Home", "/account"));
    match confirmation {
        Confirmation::Good(_) | Confirmation::Used => Message {
            title: "Your address is already confirmed",
            body: "You’ve already used this link. You’re all set.",
            action,
        }
        .with(StatusCode::OK),
        Confirmation::Void => Message {
            title: "This link no longer works",
            body: "It’s more than two days old, or you’ve asked for a newer one since. You can get \
                   another one on your Home page.",
            action,
        }
        .with(StatusCode::GONE),
    }
}
