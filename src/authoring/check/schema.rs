//! What there's to say about the schema of the plugin's configuration.

use mfp_loader::check_schema;

use super::{Finding, Seen};

impl Seen<'_> {
    /// Mistakes in the schema, each with its place.
    pub(super) fn schema(&self) -> Vec<Finding> {
        let Some(schema) = &self.manifest.config_schema else { return Vec::new() };
        let finding = |violation: mfp_loader::Violation| {
            let pointer = violation.path.unwrap_or_default();
            let place = if pointer.is_empty() { String::new() } else { format!(" at `{pointer}`") };
            let span = self.outline.as_ref().and_then(|outline| outline.in_schema(&pointer));
            Finding::error("mfp::validate::schema", self.file, format!("the configuration's schema{place}: {}", violation.message))
                .help("it's a JSON Schema (2020-12) of a table; defaults and examples must fit where they stand")
                .at(self.text, span)
        };
        check_schema(schema).into_iter().map(finding).collect()
    }
}
