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
            let body = "From now on you get a letter when an artist you follow puts out an album. \
                        There is nothing more to do.";
            let action = Some(("To your page", "/account"));
            Message { title: "Your address is confirmed", body, action }.with(StatusCode::OK)
        }
        other => explain(other),
    })
}

fn explain(confirmation: Confirmation) -> Response {
    let action = Some(("To your page", "/account"));
    match confirmation {
        Confirmation::Good(_) | Confirmation::Used => Message {
            title: "This address is confirmed already",
            body: "The link has done its work and is good once. There is nothing more to do.",
            action,
        }
        .with(StatusCode::OK),
        Confirmation::Void => Message {
            title: "This link does not work any more",
            body: "It is older than two days, or you asked for another one since; only the newest \
                   works. On your page you can have a new letter sent.",
            action,
        }
        .with(StatusCode::GONE),
    }
}
