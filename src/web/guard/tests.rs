use std::time::Duration;

use axum::http::{HeaderName, StatusCode};

use super::*;

const TOKEN: &str = "a long and random text";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
        (HeaderName::from_static(name), value)
    };
    pairs.iter().map(pair).collect()
}

fn peer(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn locked(ingress: bool) -> Guard {
    let lock = Lock::new(TOKEN, &[7; 32]);
    Guard::new(Some(lock), ingress, true, vec!["nas.local".to_owned()])
}

fn admit(guard: &Guard, from: &str, given: &[(&'static str, &str)]) -> Result<Asker, StatusCode> {
    let from = peer(from);
    let admitted = guard.admit(guard.way(from), from, &headers(given), Instant::now());
    admitted.map_err(|refusal| refusal.status)
}

#[test]
fn only_the_supervisors_address_is_ingress() {
    let guard = Guard::new(None, true, false, Vec::new());
    let named = [
        ("x-remote-user-display-name", "Álice"),
        ("x-toy2mqtt", "panel"),
    ];
    let asker = admit(&guard, "172.30.32.2", &named).expect("let in");
    assert_eq!(asker.label(), "panel (Álice)");
    assert!(admit(&guard, "::ffff:172.30.32.2", &[]).is_ok());
    for other in [
        "172.30.32.1",
        "127.0.0.1",
        "::1",
        "172.30.33.2",
        "192.168.1.9",
    ] {
        let pretends = [
            ("x-forwarded-for", "172.30.32.2"),
            ("x-real-ip", "172.30.32.2"),
            ("x-ingress-path", "/api/hassio_ingress/x"),
            ("x-remote-user-name", "alice"),
        ];
        assert_eq!(admit(&guard, other, &pretends), Err(StatusCode::FORBIDDEN));
    }
    // Nor is the Supervisor anybody special unless the user says so.
    assert_eq!(locked(false).way(SUPERVISOR), Way::Direct);
    assert_eq!(
        admit(&locked(false), "172.30.32.2", &[]),
        Err(StatusCode::UNAUTHORIZED)
    );
}

#[test]
fn a_user_is_named_only_by_ingress() {
    let open = Guard::new(None, false, true, Vec::new());
    let asker = admit(&open, "127.0.0.1", &[("x-remote-user-name", "alice")]);
    assert_eq!(asker.expect("let in").label(), "rest");
}

#[test]
fn a_token_is_needed_wherever_there_is_one() {
    let guard = locked(true);
    let right = format!("Bearer {TOKEN}");
    let here = "127.0.0.1";
    assert_eq!(admit(&guard, here, &[]), Err(StatusCode::UNAUTHORIZED));
    assert!(admit(&guard, here, &[("authorization", &right)]).is_ok());
    assert!(admit(&guard, here, &[("authorization", &right.to_lowercase())]).is_ok());
    for wrong in ["Bearer x", "Basic eDp5", TOKEN, ""] {
        let admitted = admit(&guard, here, &[("authorization", wrong)]);
        assert_eq!(admitted, Err(StatusCode::UNAUTHORIZED), "{wrong}");
    }
    let cookie = guard.try_token(peer(here), TOKEN, Instant::now());
    let cookie = cookie.expect("the right token");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    assert!(!cookie.contains(TOKEN));
    let session = cookie.split(';').next().expect("a session");
    assert!(admit(&guard, here, &[("cookie", session)]).is_ok());
    let forged = [("cookie", "toy2mqtt=0000")];
    assert_eq!(admit(&guard, here, &forged), Err(StatusCode::UNAUTHORIZED));
}

#[test]
fn wrong_tokens_are_limited_and_the_right_one_never_is() {
    let guard = locked(false);
    let now = Instant::now();
    let (thief, owner) = (peer("10.0.0.1"), peer("10.0.0.2"));
    let cookie = guard.try_token(thief, TOKEN, now).expect("right");
    let refused = |who, token, now| guard.try_token(who, token, now).map_err(|r| r.status);
    for _ in 0..5 {
        assert_eq!(refused(thief, "guess", now), Err(StatusCode::UNAUTHORIZED));
    }
    let limited = Err(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused(thief, "guess", now), limited);
    // Behind a proxy the owner has the address of the peer that guesses.
    assert!(refused(thief, TOKEN, now).is_ok());
    assert!(refused(owner, TOKEN, now).is_ok());
    let right = format!("Bearer {TOKEN}");
    assert!(admit(&guard, "10.0.0.1", &[("authorization", &right)]).is_ok());
    let session = cookie.split(';').next().expect("a session");
    assert!(admit(&guard, "10.0.0.1", &[("cookie", session)]).is_ok());
    // A right one in between is no fresh start for wrong ones.
    assert_eq!(refused(thief, "guess", now), limited);
    let later = now + Duration::from_secs(61);
    let wrong = Err(StatusCode::UNAUTHORIZED);
    assert_eq!(refused(thief, "guess", later), wrong);
    // Wrong tokens from everywhere do not keep the right one out, either.
    for number in 0..70 {
        let from = peer(&format!("10.1.0.{number}"));
        assert!(refused(from, "guess", later).is_err());
    }
    assert_eq!(refused(peer("10.2.0.1"), "guess", later), limited);
    assert!(refused(peer("10.2.0.1"), TOKEN, later).is_ok());
}

#[test]
fn names_that_are_not_ours_are_refused() {
    let guard = locked(true);
    let asked = |host: &str| guard.host(Way::Direct, &headers(&[("host", host)])).is_ok();
    for good in [
        "localhost",
        "LOCALHOST:8099",
        "panel.localhost",
        "127.0.0.1:8099",
        "192.168.1.7",
        "[::1]:8099",
        "nas.local",
        "NAS.local.:80",
    ] {
        assert!(asked(good), "{good}");
    }
    for bad in [
        "",
        "evil.example",
        "evil.example:8099",
        "nas.local.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "[evil]",
    ] {
        assert!(!asked(bad), "{bad}");
    }
    assert!(guard.host(Way::Direct, &HeaderMap::new()).is_err());
    let twice = headers(&[("host", "localhost"), ("host", "evil.example")]);
    assert!(guard.host(Way::Direct, &twice).is_err());
    assert!(
        guard
            .host(Way::Ingress, &headers(&[("host", "ha.example")]))
            .is_ok()
    );
}

#[test]
fn other_sites_and_forms_are_refused() {
    assert!(Guard::meant(&headers(&[("x-toy2mqtt", "1")])).is_ok());
    for given in [
        &[][..],
        &[("x-toy2mqtt", "")],
        &[("content-type", "application/json")],
    ] {
        assert!(Guard::meant(&headers(given)).is_err());
    }
    for (site, fine) in [
        ("same-origin", true),
        ("none", true),
        ("same-site", false),
        ("cross-site", false),
    ] {
        let asked = Guard::same_site(&headers(&[("sec-fetch-site", site)]));
        assert_eq!(asked.is_ok(), fine, "{site}");
    }
}
