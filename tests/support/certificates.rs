//! Authorities and certificates made on the spot.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// A private authority, with its files in a folder.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    /// Its certificate (PEM).
    pub file: PathBuf,
}

impl Authority {
    /// Makes one that keeps its files in `folder`, named after `name`.
    pub fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        named(&mut params, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let file = write(folder, &format!("{name}.pem"), &issuer.pem());
        Self {
            issuer,
            folder: folder.to_owned(),
            file,
        }
    }

    /// A certificate for `host`, and its key.
    pub fn issue(&self, host: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([host.to_owned()]).expect("a good name");
        named(&mut params, host);
        let certificate = params.signed_by(&key, &self.issuer).expect("a signature");
        (
            write(&self.folder, &format!("{host}.pem"), &certificate.pem()),
            write(&self.folder, &format!("{host}.key"), &key.serialize_pem()),
        )
    }
}

/// Without names of their own, certificates look as if they had signed themselves.
fn named(params: &mut CertificateParams, name: &str) {
    params.distinguished_name.push(DnType::CommonName, name);
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a folder to write to");
    path
}
