//! Who may come in, judged by the request that asks for a websocket.

use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::backend::Token;

/// Why somebody is not let in. Also what they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "the token is missing or wrong: it is the path of the URL (ws://bridge:54817/TOKEN), or \"Authorization: Bearer TOKEN\""
    )]
    Token,
    #[error("web pages of other machines are not let in without a token")]
    Page,
}

/// What counts of the request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Knock<'a> {
    pub(super) path: &'a str,
    pub(super) authorization: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
}

impl Knock<'_> {
    /// Whether to let them in. Any path is as good as any other without a token.
    ///
    /// A web page may connect to any port of the machine it is shown on, whoever made it: without a
    /// token only pages of this machine are let in. Libraries for toys name odd origins, too.
    pub(super) fn judge(&self, token: Option<&Token>) -> Result<(), Refusal> {
        let Some(token) = token else {
            return match self.origin {
                Some(origin) if !is_here(origin) => Err(Refusal::Page),
                _ => Ok(()),
            };
        };
        let bearer = self.authorization.and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let path = self.path.trim_matches('/');
        if token.is(path) || bearer.is_some_and(|bearer| token.is(bearer)) {
            Ok(())
        } else {
            Err(Refusal::Token)
        }
    }
}

/// Whether a page of this origin comes from this machine.
fn is_here(origin: &str) -> bool {
    if origin == "file://" {
        return true;
    }
    let Some((_, place)) = origin.split_once("://") else {
        return false;
    };
    let host = match place
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address,
        None => place.split(':').next().unwrap_or_default(),
    };
    let loopback = |address: std::net::IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(loopback)
}

/// Answers the request.
pub(super) struct Door<'a> {
    pub(super) token: Option<&'a Token>,
    /// Why it was refused, if it was.
    pub(super) refusal: &'a mut Option<Refusal>,
}

impl Callback for Door<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let knock = Knock {
            path: request.uri().path(),
            authorization: header("authorization"),
            origin: header("origin"),
        };
        let Err(refusal) = knock.judge(self.token) else {
            return Ok(response);
        };
        *self.refusal = Some(refusal);
        let mut answer = ErrorResponse::new(Some(format!("{refusal}\n")));
        *answer.status_mut() = match refusal {
            Refusal::Token => StatusCode::UNAUTHORIZED,
            Refusal::Page => StatusCode::FORBIDDEN,
        };
        Err(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_in_the_path_or_in_a_header() {
        let token = Token::new("sesame-42");
        let judge = |path, authorization| {
            let knock = Knock {
                path,
                authorization,
                origin: Some("https://a.page"),
            };
            knock.judge(Some(&token))
        };
        for (path, authorization) in [
            ("/sesame-42", None),
            ("/sesame-42/", None),
            ("/", Some("Bearer sesame-42")),
            ("/x", Some("bearer  sesame-42")),
        ] {
            assert_eq!(
                judge(path, authorization),
                Ok(()),
                "{path} {authorization:?}"
            );
        }
        for (path, authorization) in [
            ("/", None),
            ("/sesame-4", None),
            ("/Sesame-42", None),
            ("/sesame-42/more", None),
            ("/", Some("sesame-42")),
            ("/", Some("Basic sesame-42")),
            ("/", Some("Bearer ")),
        ] {
            assert_eq!(
                judge(path, authorization),
                Err(Refusal::Token),
                "{path} {authorization:?}"
            );
        }
        assert_eq!(format!("{token:?}"), "<redacted>");
    }

    #[test]
    fn without_a_token_pages_of_others_stay_out() {
        let judge = |origin| {
            let knock = Knock {
                path: "/any/path",
                origin,
                ..Knock::default()
            };
            knock.judge(None)
        };
        for origin in [
            None,
            Some("file://"),
            Some("http://127.0.0.1:54817"),
            Some("http://localhost"),
            Some("https://LOCALHOST:8080"),
            Some("http://[::1]:54817"),
        ] {
            assert_eq!(judge(origin), Ok(()), "{origin:?}");
        }
        for origin in [
            "null",
            "",
            "https://a.page",
            "https://localhost.a.page",
            "http://192.168.1.2",
            "http://[::2]",
            "http://127.0.0.1.a.page",
        ] {
            assert_eq!(judge(Some(origin)), Err(Refusal::Page), "{origin}");
        }
    }
}
