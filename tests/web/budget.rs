//! What the panel weighs.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// As much as everything together may have, compressed.
const LIMIT: usize = 60 * 1_024;

fn compressed(content: &[u8]) -> usize {
    let mut gzip = Command::new("gzip")
        .arg("-9")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    gzip.stdin.take().unwrap().write_all(content).unwrap();
    gzip.wait_with_output().unwrap().stdout.len()
}

#[test]
fn everything_together_is_small() {
    let mut all = 0;
    for (path, content) in toy2mqtt::web::asset_bytes() {
        let size = compressed(content);
        println!("{path}: {} bytes, {size} compressed", content.len());
        assert!(!content.is_empty(), "{path}");
        all += size;
    }
    println!("together: {all} of {LIMIT} bytes");
    assert!(all <= LIMIT, "{all} bytes, more than {LIMIT}");
}
