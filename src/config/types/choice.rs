//! Settings with a few possible words.

use std::fmt;
use std::str::FromStr;

use super::Invalid;
use crate::config::kind::Kind;
use crate::config::suggest::nearest;
use crate::config::value::Text;

macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word for every choice.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let found = Self::ALL.iter().find(|choice| choice.as_str() == text);
                found.copied().ok_or_else(|| {
                    let meant = nearest(text, Self::WORDS.iter().copied());
                    let meant = meant.map(|word| format!("; did you mean \"{word}\"?"));
                    let kind = Kind::Choice(Self::WORDS).describe();
                    Invalid::new(text, &format!("is not {kind}{}", meant.unwrap_or_default()))
                })
            }
        }

        impl Text for $name {
            fn kind() -> Kind {
                Kind::Choice(Self::WORDS)
            }
        }
    };
}

choice! {
    /// What a bare "on" means for a toy at rest.
    pub enum TurnOn {
        /// `safety.default_level`.
        Gentle = "gentle",
        /// The level that the toy had last.
        Last = "last",
    }
}

choice! {
    /// How to speak to an app.
    pub enum Scheme {
        /// In the clear.
        Http = "http",
        /// With TLS.
        Https = "https",
    }
}

choice! {
    /// Whose certificate to trust.
    pub enum Trust {
        /// One that a public authority signed for the host.
        Webpki = "webpki",
        /// One with a known fingerprint.
        Pin = "pin",
        /// Any.
        Insecure = "insecure",
    }
}

choice! {
    /// Which version of the Buttplug protocol to speak.
    pub enum Protocol {
        /// Whichever the server understands, the newest first.
        Auto = "auto",
        /// Version 4.
        V4 = "4",
        /// Version 3.
        V3 = "3",
    }
}

choice! {
    /// When to listen for toys over Bluetooth without being asked.
    pub enum BleScan {
        /// Never, save for a minute after a toy was lost.
        Asked = "asked",
        /// While a toy that has been here before is missing.
        Known = "known",
        /// Always, and new toys are taken as they turn up.
        All = "all",
    }
}

choice! {
    /// A way to reach a toy.
    pub enum RouteKind {
        /// Bluetooth.
        Ble = "ble",
        /// The Lovense app on the local network.
        Lan = "lan",
        /// A Buttplug server.
        Buttplug = "buttplug",
        /// A toy that connects to the bridge by itself.
        Wsdm = "wsdm",
        /// The Lovense cloud.
        Cloud = "cloud",
    }
}

impl RouteKind {
    /// The kind of its backends, as in their names.
    #[must_use]
    pub const fn backend(self) -> &'static str {
        match self {
            Self::Ble => "ble",
            Self::Lan => "lovense_lan",
            Self::Buttplug => "buttplug",
            Self::Wsdm => "wsdm",
            Self::Cloud => "lovense_cloud",
        }
    }
}

choice! {
    /// How much to log.
    pub enum LogLevel {
        /// What went wrong and stays wrong.
        Error = "error",
        /// What went wrong.
        Warn = "warn",
        /// What has changed. Names no toy, level or address.
        Info = "info",
        /// What is done and why. Names toys, levels and addresses.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

choice! {
    /// The form of log lines.
    pub enum LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object per line.
        Json = "json",
    }
}
