//! Settings: where they come from, what they may be.
//!
//! Four layers, each above the one before: a TOML file, the options of the Home Assistant app
//! (`/data/options.json`), environment variables, command-line flags. [figment] merges them and
//! remembers which value came from where; what is merged is then read into [`Config`] in one pass
//! that collects **every** problem, each with its place, instead of ending at the first.
//!
//! Each key is defined once, in [`sections`], together with its type, default and description.
//! The reading, the JSON form and the [`mod@reference`] all follow from that definition.

mod check;
mod convert;
mod engine;
mod kind;
mod layers;
mod load;
mod problem;
mod reading;
pub mod reference;
mod secret;
mod section;
pub mod sections;
mod show;
mod suggest;
mod surroundings;
mod table;
pub mod types;
mod value;

pub use kind::Kind;
pub use load::{BadOverride, Flags, Loaded, Override, Supervisor, load};
pub use problem::{Place, Problem, Problems, Severity};
pub use secret::{REDACTED, Secret};
pub use section::{Field, Leaf, Shape};
pub use sections::Config;
pub use surroundings::{Fixed, Surroundings, System};

impl Config {
    /// Every key there is, in the order of the documentation.
    #[must_use]
    pub fn keys() -> Vec<Leaf> {
        section::leaves::<Self>()
    }
}
