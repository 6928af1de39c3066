use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::super::field;
use super::super::testing::world;
use super::*;
use crate::clock::ManualClock;

const REDIRECT: &str = "http://127.0.0.1:8080/callback";
// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorize_url(redirect_uri: &str) -> String {
    let mut url = Url::parse("http://127.0.0.1:1/authorize").unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", "demo-client")
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_challenge_method", "S256")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("scope", "user-follow-read")
        .append_pair("state", "a state");
    url.into()
}

fn code(world: &World, user: FakeUserId) -> String {
    let back = world.consent(&authorize_url(REDIRECT), user).unwrap();
    let url = Url::parse(&back).unwrap();
    assert_eq!(field(url.query().unwrap(), "state").as_deref(), Some("a state"));
    field(url.query().unwrap(), "code").unwrap()
}

fn granted() -> (World, Arc<ManualClock>, FakeUserId, Issued) {
    let (world, clock) = world();
    let martha = world.add_user("Martha");
    let issued = world.exchange(&code(&world, martha), REDIRECT, VERIFIER).unwrap();
    (world, clock, martha, issued)
}

fn refusal(answer: Result<Issued, Refusal>) -> &'static str {
    answer.unwrap_err().1
}

#[test]
fn the_right_verifier_proves_the_challenge_and_no_other_does() {
    assert!(proves(VERIFIER, CHALLENGE));
    assert!(!proves(&VERIFIER.replace('d', "e"), CHALLENGE));
    assert!(!proves("short", &BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest("short"))));
}

#[test]
fn a_code_is_good_once_for_ten_minutes_and_for_its_own_address() {
    let (world, clock, martha, _) = granted();
    let used = code(&world, martha);
    assert!(world.exchange(&used, REDIRECT, VERIFIER).is_ok());
    assert_eq!(refusal(world.exchange(&used, REDIRECT, VERIFIER)), "Invalid authorization code");
    let other = code(&world, martha);
    let elsewhere = "http://127.0.0.1:8081/callback";
    assert_eq!(refusal(world.exchange(&other, elsewhere, VERIFIER)), "Invalid redirect URI");
    let late = code(&world, martha);
    clock.advance(CODE_LIVES);
    assert_eq!(refusal(world.exchange(&late, REDIRECT, VERIFIER)), "Invalid authorization code");
}

#[test]
fn without_rotation_the_refresh_token_stays() {
    let (world, _, _, issued) = granted();
    let token = issued.refresh.unwrap();
    assert!(world.refresh(&token).unwrap().refresh.is_none());
    assert!(world.refresh(&token).is_ok());
}

#[test]
fn with_rotation_the_old_refresh_token_is_no_good_any_more() {
    let (world, _, _, issued) = granted();
    world.set_rotation(Rotation::Always);
    let old = issued.refresh.unwrap();
    let new = world.refresh(&old).unwrap().refresh.unwrap();
    assert_eq!(refusal(world.refresh(&old)), "Invalid refresh token");
    assert!(world.refresh(&new).is_ok());
}

#[test]
fn a_refresh_token_ends_six_months_after_the_consent_whatever_was_refreshed() {
    let (world, clock, _, issued) = granted();
    world.set_rotation(Rotation::Always);
    clock.set("2027-05-23T11:59:59Z".parse().unwrap());
    let token = world.refresh(&issued.refresh.unwrap()).unwrap().refresh.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(world.refresh(&token)), "Refresh token expired");
}

#[test]
fn a_revoked_consent_ends_both_tokens_until_the_next_consent() {
    let (world, _, martha, issued) = granted();
    world.revoke(martha);
    assert_eq!(refusal(world.refresh(&issued.refresh.unwrap())), "Refresh token revoked");
    assert!(matches!(world.bearer(&issued.access), Bearer::Unknown));
    let again = world.exchange(&code(&world, martha), REDIRECT, VERIFIER).unwrap();
    assert!(matches!(world.bearer(&again.access), Bearer::User(user, _) if user == martha));
}

#[test]
fn an_access_token_ends_after_an_hour_or_on_demand() {
    let (world, clock, _, issued) = granted();
    clock.advance(ACCESS_LIVES - Duration::from_secs(1));
    assert!(matches!(world.bearer(&issued.access), Bearer::User(..)));
    clock.advance(Duration::from_secs(1));
    assert!(matches!(world.bearer(&issued.access), Bearer::Expired));
    let fresh = world.issue_to_app();
    world.expire_access_tokens();
    assert!(matches!(world.bearer(&fresh.access), Bearer::Expired));
}

#[test]
fn localhost_is_no_address_to_return_to() {
    let (world, _, martha, _) = granted();
    let refused = world.consent(&authorize_url("http://localhost:8080/callback"), martha);
    assert_eq!(refused.unwrap_err(), "INVALID_CLIENT: Insecure redirect URI");
    assert_eq!(world.unexpected().len(), 1);
}

#[test]
fn only_a_registered_address_may_be_returned_to_once_there_is_one() {
    let (world, _, martha, _) = granted();
    world.register_redirect("https://dropday.example/callback");
    assert!(world.consent(&authorize_url(REDIRECT), martha).is_err());
    assert!(world.consent(&authorize_url("https://dropday.example/callback"), martha).is_ok());
}
