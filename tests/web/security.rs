//! Who gets in, and how far.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::{Answer, Client, WithPanel as _};
use crate::support::{Rig, Setup, soon, toy};

const LUSH: &str = "f082c00246fa";
const TOKEN: &str = "a long and random text";
const HOST: (&str, &str) = ("host", "localhost");
const MEANT: (&str, &str) = ("x-toy2mqtt", "1");

/// The panel of a bridge whose panel is open to the network, over loopback.
async fn open_panel(rig: &Rig) -> Client {
    rig.bridge.logged("panel: port ").await;
    let log = rig.bridge.log();
    let (_, port) = log.split_once("panel: port ").unwrap();
    let (port, _) = port.split_once(' ').unwrap();
    Client(format!("127.0.0.1:{port}").parse().unwrap())
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.code(), code);
}

#[tokio::test]
async fn nothing_is_changed_by_a_get_a_form_or_another_site() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    let set = format!("/api/toys/{}/set", toy(LUSH));
    let body = br#"{"vibrate": 40}"#;
    refused(
        &client.send("POST", &set, &[HOST], body).await,
        403,
        "forbidden",
    );
    let form = ("content-type", "text/plain");
    refused(
        &client.send("POST", &set, &[HOST, form], body).await,
        403,
        "forbidden",
    );
    for site in ["cross-site", "same-site"] {
        let headers = [HOST, MEANT, ("sec-fetch-site", site)];
        refused(
            &client.send("POST", &set, &headers, body).await,
            403,
            "forbidden",
        );
        let read = [HOST, ("sec-fetch-site", site)];
        refused(
            &client.send("GET", "/api/toys", &read, b"").await,
            403,
            "forbidden",
        );
    }
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for path in [set.as_str(), "/api/stop", "/api/restart", "/api/quiet"] {
            let answer = client.send(method, path, &[HOST, MEANT], body).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
    for host in ["evil.example", "localhost.evil.example", ""] {
        let headers = [("host", host), MEANT];
        assert_ne!(client.send("POST", &set, &headers, body).await.status, 200);
        assert_ne!(
            client.send("GET", "/", &[("host", host)], b"").await.status,
            200
        );
    }
    assert!(
        rig.state(LUSH)["vibrate"].is_null(),
        "nothing was asked of it"
    );
    // The Supervisor's probe calls us what it likes.
    let probe = client
        .send("GET", "/healthz", &[("host", "a0d7b954-toy2mqtt")], b"")
        .await;
    assert_eq!(probe.status, 200);
}

#[tokio::test]
async fn pages_may_load_nothing_from_elsewhere_and_stand_in_no_frame() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    for path in ["/", "/app.js", "/api/toys", "/reference", "/nothing"] {
        let answer = client.get(path).await;
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-frame-options"), "DENY");
    }
    let page = client.get("/").await;
    let text = page.text();
    for forbidden in [
        "<style", "style=", "onclick", "href=\"/", "src=\"/", "http://", "https://",
    ] {
        assert!(!text.contains(forbidden), "the page has {forbidden}");
    }
    // Asked again, it is not sent again.
    let again = [HOST, ("if-none-match", page.header("etag"))];
    let again = client.send("GET", "/", &again, b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn a_token_is_asked_for_guesses_are_counted_and_nothing_is_logged() {
    let lines = format!("token = \"{TOKEN}\"\nallowed_hosts = [\"nas.local\"]\n");
    let mut setup = Setup::toys(&[("Lush 3", LUSH)]).panel(&lines);
    setup.web = setup.web.replace("127.0.0.1", "0.0.0.0");
    setup.more = "[log]\nlevel = \"trace\"\n".to_owned();
    let rig = setup.start().await;
    let client = open_panel(&rig).await;

    // Without the token there is health, the page that asks for it, and nothing else.
    for path in ["/", "/app.js", "/healthz", "/readyz", "/api/openapi.json"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    for path in [
        "/api/toys",
        "/api/info",
        "/api/events",
        "/api/diagnostics",
        "/metrics",
    ] {
        refused(&client.get(path).await, 401, "unauthorized");
    }
    refused(&client.post("/api/stop", "").await, 401, "unauthorized");
    let pretend = [
        HOST,
        ("x-forwarded-for", "172.30.32.2"),
        ("x-remote-user-name", "admin"),
    ];
    refused(
        &client.send("GET", "/api/toys", &pretend, b"").await,
        401,
        "unauthorized",
    );

    let bearer = format!("Bearer {TOKEN}");
    let known = [
        ("host", "nas.local"),
        ("authorization", bearer.as_str()),
        MEANT,
    ];
    assert_eq!(
        client.send("GET", "/api/toys", &known, b"").await.status,
        200
    );
    assert_eq!(
        client.send("POST", "/api/stop", &known, b"").await.status,
        200
    );

    let body = format!("{{\"token\": \"{TOKEN}\"}}");
    let entered = client.post("/api/login", &body).await;
    assert_eq!(entered.status, 200, "{}", entered.text());
    let cookie = entered.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert!(!cookie.contains("Path="), "any prefix works: {cookie}");
    let session = cookie.split(';').next().unwrap().to_owned();
    let with_cookie = [HOST, ("cookie", session.as_str()), MEANT];
    assert_eq!(
        client
            .send("GET", "/api/toys", &with_cookie, b"")
            .await
            .status,
        200
    );
    // The browser sends such a cookie back below /api/ and nowhere else: the panel leads there.
    let metrics = client.send("GET", "/api/metrics", &with_cookie, b"").await;
    assert_eq!(metrics.status, 200);
    let links = client.get("/bridge.js").await.text();
    assert!(links.contains("href=\"api/metrics\"") && !links.contains("href=\"metrics\""));
    let forgetful = [HOST, ("cookie", session.as_str())];
    refused(
        &client.send("POST", "/api/stop", &forgetful, b"").await,
        403,
        "forbidden",
    );

    for _ in 0..5 {
        let guess = client
            .post("/api/login", r#"{"token": "guess number one"}"#)
            .await;
        refused(&guess, 401, "unauthorized");
    }
    let guess = r#"{"token": "guess number one"}"#;
    let limited = client.post("/api/login", guess).await;
    refused(&limited, 429, "too_many");
    assert!(limited.header("retry-after").parse::<u64>().unwrap() > 0);
    // The right token is not limited, and a session is not either.
    assert_eq!(client.post("/api/login", &body).await.status, 200);
    let stop = client.send("POST", "/api/stop", &known, b"").await;
    assert_eq!(stop.status, 200, "{}", stop.text());
    assert_eq!(
        client
            .send("POST", "/api/stop", &with_cookie, b"")
            .await
            .status,
        200
    );

    let log = rig.bridge.log();
    assert!(log.contains("wrong token"));
    let hash = session.split('=').nth(1).unwrap();
    for secret in [TOKEN, hash, "guess number one"] {
        assert!(!log.contains(secret));
    }
    let info = rig.home.newest(&rig.bridge_topic("info")).unwrap().text();
    assert!(!info.contains(TOKEN) && info.contains("<redacted>"));
}

#[tokio::test]
async fn ingress_is_only_for_the_supervisor() {
    let mut setup = Setup::toys(&[("Lush 3", LUSH)]).panel("ingress = true\n");
    setup.web = setup.web.replace("127.0.0.1", "0.0.0.0");
    let rig = setup.start().await;
    let client = open_panel(&rig).await;
    let pretend = [
        HOST,
        MEANT,
        ("x-forwarded-for", "172.30.32.2"),
        ("forwarded", "for=172.30.32.2"),
        ("x-ingress-path", "/api/hassio_ingress/abc"),
        ("x-remote-user-name", "admin"),
    ];
    refused(
        &client.send("GET", "/api/toys", &pretend, b"").await,
        403,
        "forbidden",
    );
    refused(
        &client.send("POST", "/api/stop", &pretend, b"").await,
        403,
        "forbidden",
    );
    assert_eq!(client.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_who_holds_connections_is_bounded() {
    let rig = Setup::toys(&[("Lush 3", LUSH)]).panel("").start().await;
    let client = Client::of(&rig).await;
    let long = client.post("/api/login", vec![b'x'; 65 * 1_024]).await;
    refused(&long, 413, "too_large");
    let huge = [HOST, MEANT, ("content-length", "99999999999")];
    refused(
        &client.send("POST", "/api/login", &huge, b"").await,
        413,
        "too_large",
    );
    let long = "x".repeat(32 * 1_024);
    let head = client
        .send("GET", "/", &[HOST, ("x-long", &long)], b"")
        .await;
    assert_eq!(head.status, 431);

    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(TcpStream::connect(client.0).await.unwrap());
    }
    // One more may only stop; when one leaves, there is room again.
    for path in ["/", "/api/toys", "/api/events"] {
        refused(&client.get(path).await, 429, "too_many");
    }
    let set = format!("/api/toys/{}/set", toy(LUSH));
    refused(&client.post(&set, "ON").await, 429, "too_many");
    assert_eq!(client.post("/api/stop", "").await.status, 200);
    assert_eq!(client.get("/healthz").await.status, 200);
    drop(held);
    let back = async {
        loop {
            let mut stream = client.open("GET", "/api/toys", &[HOST], b"").await;
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer).await;
            if read.is_ok() && answer.starts_with("HTTP/1.1 200") {
                return;
            }
        }
    };
    soon("room", back).await;
}
