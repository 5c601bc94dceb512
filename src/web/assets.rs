//! The panel's files. They are part of the program.

use std::sync::OnceLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// One file.
pub(super) struct Asset {
    path: &'static str,
    kind: &'static str,
    content: &'static [u8],
    tag: OnceLock<String>,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! assets {
    ($($path:literal: $kind:ident = $file:literal,)+) => {
        [$(Asset {
            path: $path,
            kind: $kind,
            content: include_bytes!(concat!("assets/", $file)),
            tag: OnceLock::new(),
        },)+]
    };
}

static ASSETS: [Asset; 13] = assets! {
    "/": HTML = "index.html",
    "/app.css": STYLE = "app.css",
    "/app.js": SCRIPT = "app.js",
    "/store.js": SCRIPT = "store.js",
    "/widgets.js": SCRIPT = "widgets.js",
    "/now.js": SCRIPT = "now.js",
    "/toy.js": SCRIPT = "toy.js",
    "/activity.js": SCRIPT = "activity.js",
    "/bridge.js": SCRIPT = "bridge.js",
    "/vendor/preact.js": SCRIPT = "vendor/preact.js",
    "/icon.svg": PICTURE = "icon.svg",
    "/reference": HTML = "reference.html",
    "/reference.js": SCRIPT = "reference.js",
};

/// The file under this path.
pub(super) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The bytes of every file, with its path.
pub fn total() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    ASSETS.iter().map(|asset| (asset.path, asset.content))
}

impl Asset {
    fn tag(&self) -> &str {
        self.tag.get_or_init(|| {
            let hash = Sha256::digest(self.content);
            let hex: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\"{hex}\"")
        })
    }

    /// The file, unless whoever asks has it already.
    pub(super) fn answer(&'static self, headers: &HeaderMap) -> Response {
        let known = headers.get(header::IF_NONE_MATCH);
        let fresh = known.is_some_and(|known| known.as_bytes() == self.tag().as_bytes());
        let mut response = if fresh {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.content.into_response()
        };
        let own = response.headers_mut();
        own.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(tag) = HeaderValue::from_str(self.tag()) {
            own.insert(header::ETAG, tag);
        }
        response
    }
}
