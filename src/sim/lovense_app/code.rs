//! The result codes of the Lovense Standard API by local application.

/// What the app says of a request it does not carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub u16);

impl Code {
    /// Done.
    pub const OK: Self = Self(200);
    /// No command of this name, or no JSON at all.
    pub const INVALID_COMMAND: Self = Self(400);
    /// No toy of this id.
    pub const TOY_NOT_FOUND: Self = Self(401);
    /// The toy is known and not connected.
    pub const TOY_NOT_CONNECTED: Self = Self(402);
    /// The toy cannot do this.
    pub const NOT_SUPPORTED: Self = Self(403);
    /// A parameter is missing, of the wrong type or out of range.
    pub const INVALID_PARAMETER: Self = Self(404);
    /// Game Mode is off.
    pub const SERVER_OFF: Self = Self(500);

    /// The words that go with it (Standard API, Error Codes).
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self.0 {
            200 => "OK",
            400 => "Invalid Command",
            401 => "Toy Not Found",
            402 => "Toy Not Connected",
            403 => "Toy Doesn't Support This Command",
            404 => "Invalid Parameter",
            500 => "HTTP server not started or disabled",
            506 => "Server Error. Restart Lovense Connect.",
            _ => "Error",
        }
    }
}
