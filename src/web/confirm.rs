//! The page that an email's link leads to. Opening it confirms nothing; its button does.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{self, Message, shown};
use crate::accounts::address::{self, Confirmation};
use crate::context::Ctx;
use crate::jobs::worker::{Job, JobNotifier};

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    address: String,
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>, Path(token): Path<String>) -> Response {
    match address::look_up(&ctx, &token).await {
        Ok(Confirmation::Good(address)) => {
            page::render(&Confirm { address: shown(Some(&address)) })
        }
        Ok(other) => explain(other),
        Err(error) => page::our_fault(&error),
    }
}

pub(super) async fn confirm(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    Path(token): Path<String>,
) -> Response {
    match address::confirm(&ctx, &token).await {
        Ok(Confirmation::Good(_)) => {
            notifier.notify(Job::SendEmails);
            let body = "From now on you get a letter when an artist you follow puts out an album. \
                        There is nothing more to do.";
            let action = Some(("To your page", "/account"));
            Message { title: "Your address is confirmed", body, action }.with(StatusCode::OK)
        }
        Ok(other) => explain(other),
        Err(error) => page::our_fault(&error),
    }
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
