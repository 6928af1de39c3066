//! The page for users who are not on the Spotify app's allow-list: a form to request access.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::page::{self, Message};
use super::session::Fields;
use crate::accounts::access_requests::{self, AccessRequestError};
use crate::accounts::sign_in::Proof;
use crate::context::Ctx;
use crate::domain::instance::Contact;
use crate::jobs::worker::{Job, JobNotifier};

#[derive(Template)]
#[template(path = "unlisted.html")]
struct AccessRequestPage {
    /// `None` if there is no operator address to notify.
    form: Option<Form>,
    contact: Option<Contact>,
}

/// The submitted values and their error.
#[derive(Default)]
struct Form {
    proof: String,
    name: String,
    address: String,
    fault: Option<AccessRequestError>,
}

impl Form {
    fn name_fault(&self) -> Option<&AccessRequestError> {
        self.fault.as_ref().filter(|fault| matches!(fault, AccessRequestError::Name))
    }

    fn address_fault(&self) -> Option<&AccessRequestError> {
        let is_address = |fault: &&AccessRequestError| {
            matches!(fault, AccessRequestError::NoAddress | AccessRequestError::Address(_))
        };
        self.fault.as_ref().filter(is_address)
    }
}

/// Shown right after Spotify rejected the user.
pub(super) fn show(ctx: &Ctx, proof: Option<Proof>) -> Response {
    let form = proof.map(|Proof(proof)| Form { proof, ..Form::default() });
    page(ctx, form, StatusCode::FORBIDDEN)
}

fn page(ctx: &Ctx, form: Option<Form>, status: StatusCode) -> Response {
    let page = page::render(&AccessRequestPage { form, contact: ctx.instance.contact.clone() });
    (status, page).into_response()
}

pub(super) async fn ask(
    State(ctx): State<Arc<Ctx>>,
    State(notifier): State<Arc<JobNotifier>>,
    fields: Fields,
) -> Response {
    let [proof, name, address] = ["proof", "name", "address"].map(|field| fields.value(field));
    match access_requests::ask(&ctx, proof, name, address).await {
        Ok(()) => {
            notifier.notify(Job::SendEmails);
            Redirect::to("/asked").into_response()
        }
        Err(AccessRequestError::NoProof) => over(),
        Err(AccessRequestError::Full) => full(&ctx),
        Err(AccessRequestError::Store(error)) => page::internal_error(&error),
        Err(fault) => {
            let [proof, name, address] = [proof, name, address].map(str::to_owned);
            let form = Form { proof, name, address, fault: Some(fault) };
            page(&ctx, Some(form), StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

pub(super) async fn asked() -> Response {
    let body = "The operator gets an email with your name and address within a day and can add you \
                at Spotify. Once they tell you it’s done, connect again. Nothing from your sign-in \
                was stored.";
    let action = Some(("Connect with Spotify", "/login"));
    Message { title: "Your request has been sent", body, action }.with(StatusCode::OK)
}

fn over() -> Response {
    let body = "It works for an hour after you connect. Nothing was stored. Please connect with \
                Spotify again, then ask on the page that appears.";
    let title = "This form has expired";
    let action = Some(("Go to the start page", "/"));
    Message { title, body, action }.with(StatusCode::FORBIDDEN)
}

fn full(ctx: &Ctx) -> Response {
    let body = "We can’t take any more requests right now. Please contact the operator yourself, \
                with your name and the email address of your Spotify account.";
    let title = "The list is full";
    Message { title, body, action: None }.with_contact(ctx, StatusCode::SERVICE_UNAVAILABLE)
}
