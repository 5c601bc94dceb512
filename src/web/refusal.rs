//! Why a request is refused, as it is answered.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::desk::Ending;
use crate::domain::{ErrorCode, Rejection};

/// A request that had no effect, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// One of the codes of MQTT results, or one of [`Refusal::CODES`].
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Seconds until it is worth trying again.
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    /// What only a web server has a reason to say.
    pub(super) const CODES: [&'static str; 6] = [
        "unauthorized",
        "forbidden",
        "not_found",
        "too_large",
        "too_many",
        "ending",
    ];

    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// Whoever it is, they are not allowed to.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// They have to say first who they are.
    pub(super) fn unauthorized() -> Self {
        let message = "log in, or send the token: Authorization: Bearer …";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// There is nothing here.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// More than anybody has to say.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body is too long: at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// It took too long to come.
    pub(super) fn too_slow() -> Self {
        let message = "the request did not come in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message)
    }

    /// Too often.
    pub(super) fn too_many(message: impl Into<String>, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", message)
        }
    }

    /// All places are taken but those that are kept for stops.
    pub(super) fn crowded() -> Self {
        Self::too_many("too many connections: only a stop gets through", 5)
    }

    /// What is asked makes no sense.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Rejection::new(ErrorCode::Invalid, message).into()
    }

    /// The body.
    pub(super) fn to_json(&self) -> Value {
        json!({"ok": false, "error": {"code": self.code, "message": self.message}})
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::new(
            status(rejection.code),
            rejection.code.as_str(),
            rejection.message,
        )
    }
}

impl From<Ending> for Refusal {
    fn from(ending: Ending) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ending",
                ending.to_string(),
            )
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.to_json())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// The status that goes with a code.
pub(super) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::UnknownToy => StatusCode::NOT_FOUND,
        ErrorCode::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::Quiet
        | ErrorCode::Limit
        | ErrorCode::Busy
        | ErrorCode::Stopped
        | ErrorCode::Retained => StatusCode::CONFLICT,
        ErrorCode::Offline => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Backend => StatusCode::BAD_GATEWAY,
        ErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
    }
}
