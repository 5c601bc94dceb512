//! `schema`, as far as settings go.

use super::SchemaKind;
use crate::config::reference;

/// The reference of this kind; `None` for those that are not about settings.
pub(super) fn of_settings(kind: SchemaKind) -> Option<String> {
    Some(match kind {
        SchemaKind::Config => reference::markdown(),
        SchemaKind::ConfigJson => format!("{:#}\n", reference::json_schema()),
        SchemaKind::ConfigExample => reference::example(),
        SchemaKind::App => reference::app(),
        SchemaKind::AppTexts => reference::app_texts(),
        SchemaKind::Mqtt | SchemaKind::Toys | SchemaKind::Discovery => return None,
    })
}
