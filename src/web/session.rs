//! Tokens, and the cookie of who has shown one.
//!
//! The cookie is a hash of the token and of a random key in the data folder. Without the key nobody
//! can make one, not even knowing the hash of the token; a new token or a new key ends all of them.
//! It outlives a restart of the bridge.

use std::fmt;
use std::fs;
use std::path::Path;

use rustls::crypto::ring;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The name of the cookie.
pub(super) const COOKIE: &str = "toy2mqtt";

/// The name of the key's file in the data folder.
const KEY_FILE: &str = "web.key";

/// Who has the token may come in.
pub(super) struct Lock {
    token: [u8; 32],
    session: String,
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

impl Lock {
    /// A lock that this token opens, and sessions that last with `key`.
    pub(super) fn new(token: &str, key: &[u8; 32]) -> Self {
        let session = digest(&[key, digest(&[key, token.as_bytes()]).as_slice()]);
        Self {
            token: digest(&[token.as_bytes()]),
            session: hex(&session),
        }
    }

    /// Whether this is the token. Takes as long for every wrong one.
    pub(super) fn opens(&self, token: &str) -> bool {
        digest(&[token.as_bytes()]).ct_eq(&self.token).into()
    }

    /// Whether this is a session of somebody who had the token.
    pub(super) fn knows(&self, session: &str) -> bool {
        session.as_bytes().ct_eq(self.session.as_bytes()).into()
    }

    /// The cookie of a new session. Without a path it holds for the folder of the address that sets
    /// it, `/api`, whatever stands before that.
    pub(super) fn cookie(&self) -> String {
        format!(
            "{COOKIE}={}; HttpOnly; SameSite=Strict; Max-Age=31536000",
            self.session
        )
    }
}

/// The cookie that ends a session.
pub(super) fn no_cookie() -> String {
    format!("{COOKIE}=; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// The session in a `Cookie` header.
pub(super) fn session_in(header: &str) -> Option<&str> {
    header.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then_some(value)
    })
}

/// The machine gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has no random numbers to make a key of")]
pub struct NoRandomness;

/// The key in the data folder; made if there is none. If it cannot be kept, it holds until the
/// bridge ends.
pub(super) fn key(folder: &Path) -> Result<[u8; 32], NoRandomness> {
    let path = folder.join(KEY_FILE);
    let kept = fs::read(&path).ok();
    if let Some(key) = kept.and_then(|key| key.try_into().ok()) {
        return Ok(key);
    }
    let mut key = [0; 32];
    let random = ring::default_provider().secure_random;
    random.fill(&mut key).map_err(|_| NoRandomness)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = fs::create_dir_all(folder)
        .and_then(|()| options.open(&path))
        .and_then(|mut file| std::io::Write::write_all(&mut file, &key));
    if let Err(error) = written {
        tracing::warn!(%error, "sessions of the panel end with the bridge");
    }
    Ok(key)
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_as_long_as_token_and_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = key(folder.path()).expect("random");
        assert_eq!(key(folder.path()), Ok(first));
        let lock = Lock::new("correct horse", &first);
        assert!(lock.opens("correct horse") && !lock.opens("correct horsf") && !lock.opens(""));
        let cookie = lock.cookie();
        let header = format!("other=1; {}", cookie.split(';').next().unwrap_or_default());
        let session = session_in(&header).expect("a session").to_owned();
        assert!(Lock::new("correct horse", &first).knows(&session));
        assert!(!Lock::new("correct horsf", &first).knows(&session));
        assert!(!Lock::new("correct horse", &[0; 32]).knows(&session));
        assert!(!lock.knows("") && !lock.knows(&session[1..]));
    }

    #[test]
    fn nothing_is_shown_of_a_lock() {
        assert_eq!(format!("{:?}", Lock::new("secret", &[1; 32])), "Lock");
    }

    #[test]
    fn a_folder_that_cannot_be_written_only_ends_sessions_sooner() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        assert_ne!(key(&file.join("below")), key(&file.join("below")));
    }
}
