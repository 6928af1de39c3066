use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::super::field;
use super::super::testing::world;
use super::*;
use dropday::test_clock::ManualClock;

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

fn error(answer: Result<Issued, OAuthError>) -> &'static str {
    answer.unwrap_err().1
}

#[test]
fn only_the_right_verifier_matches_the_challenge() {
    assert!(proves(VERIFIER, CHALLENGE));
    assert!(!proves(&VERIFIER.replace('d', "e"), CHALLENGE));
    assert!(!proves("short", &BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest("short"))));
}

#[test]
fn code_is_valid_once_for_ten_minutes_and_one_redirect_uri() {
    let (world, clock, martha, _) = granted();
    let used = code(&world, martha);
    assert!(world.exchange(&used, REDIRECT, VERIFIER).is_ok());
    assert_eq!(error(world.exchange(&used, REDIRECT, VERIFIER)), "Invalid authorization code");
    let other = code(&world, martha);
    let elsewhere = "http://127.0.0.1:8081/callback";
    assert_eq!(error(world.exchange(&other, elsewhere, VERIFIER)), "Invalid redirect URI");
    let late = code(&world, martha);
    clock.advance(CODE_TTL);
    assert_eq!(error(world.exchange(&late, REDIRECT, VERIFIER)), "Invalid authorization code");
}

#[test]
fn refresh_token_stays_valid_without_rotation() {
    let (world, _, _, issued) = granted();
    let token = issued.refresh.unwrap();
    assert!(world.refresh(&token).unwrap().refresh.is_none());
    assert!(world.refresh(&token).is_ok());
}

#[test]
fn rotation_invalidates_old_refresh_token() {
    let (world, _, _, issued) = granted();
    world.rotate_refresh_tokens();
    let old = issued.refresh.unwrap();
    let new = world.refresh(&old).unwrap().refresh.unwrap();
    assert_eq!(error(world.refresh(&old)), "Invalid refresh token");
    assert!(world.refresh(&new).is_ok());
}

#[test]
fn refresh_token_expires_six_months_after_consent() {
    let (world, clock, _, issued) = granted();
    world.rotate_refresh_tokens();
    clock.set("2027-05-23T11:59:59Z".parse().unwrap());
    let token = world.refresh(&issued.refresh.unwrap()).unwrap().refresh.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(error(world.refresh(&token)), "Refresh token expired");
}

#[test]
fn revoking_consent_invalidates_both_tokens() {
    let (world, _, martha, issued) = granted();
    world.revoke(martha);
    assert_eq!(error(world.refresh(&issued.refresh.unwrap())), "Refresh token revoked");
    assert!(matches!(world.bearer(&issued.access), Bearer::Unknown));
    let again = world.exchange(&code(&world, martha), REDIRECT, VERIFIER).unwrap();
    assert!(matches!(world.bearer(&again.access), Bearer::User(user, _) if user == martha));
}

#[test]
fn access_token_expires_after_an_hour_or_on_demand() {
    let (world, clock, _, issued) = granted();
    clock.advance(ACCESS_TOKEN_TTL - Duration::from_secs(1));
    assert!(matches!(world.bearer(&issued.access), Bearer::User(..)));
    clock.advance(Duration::from_secs(1));
    assert!(matches!(world.bearer(&issued.access), Bearer::Expired));
    let fresh = world.issue(None, false);
    world.expire_access_tokens();
    assert!(matches!(world.bearer(&fresh.access), Bearer::Expired));
}

#[test]
fn localhost_is_rejected_as_redirect_uri() {
    let (world, _, martha, _) = granted();
    let refused = world.consent(&authorize_url("http://localhost:8080/callback"), martha);
    assert_eq!(refused.unwrap_err(), "INVALID_CLIENT: Insecure redirect URI");
    assert_eq!(world.unexpected().len(), 1);
}
