//! Do two texts of one manifest mean the same? The one beside the code and the one in it, which a bare `.wasm` is read by.

use super::PluginManifest;

impl PluginManifest {
    /// The keys of `plugin.yaml` that say something else here than there; none if both mean the same. How they're written counts for
    /// nothing; requests for `mfp test` count if both have some, since other programs than `mfp build` may leave them out.
    pub fn differing_keys(&self, there: &Self) -> Vec<&'static str> {
        let Self {
            id,
            version,
            types,
            display_name,
            description,
            license,
            author,
            homepage,
            repository,
            documentation,
            keywords,
            categories,
            runtime,
            entry,
            include,
            mockforge,
            dependencies,
            capabilities,
            limits,
            config_schema,
            tests,
            dialect: _,
            warnings: _,
        } = self;
        let differs = [
            ("id", *id != there.id),
            ("version", version.to_string() != there.version.to_string()),
            ("types", *types != there.types),
            ("name", *display_name != there.display_name),
            ("description", *description != there.description),
            ("license", *license != there.license),
            ("author", *author != there.author),
            ("homepage", *homepage != there.homepage),
            ("repository", *repository != there.repository),
            ("documentation", *documentation != there.documentation),
            ("keywords", *keywords != there.keywords),
            ("categories", *categories != there.categories),
            ("runtime", *runtime != there.runtime),
            ("entry", *entry != there.entry),
            ("include", *include != there.include),
            ("mockforge", *mockforge != there.mockforge),
            ("dependencies", *dependencies != there.dependencies),
            ("capabilities", *capabilities != there.capabilities || *limits != there.limits),
            ("configuration", *config_schema != there.config_schema),
            ("tests", !there.tests.is_empty() && *tests != there.tests),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
mfp: 1
plugin:
  id: words
  version: 1.0.0
  types: [template]
  name: Words
  description: Some words.
  license: MIT
  author: { name: Ada, email: ada@example.org }
  homepage: https://example.org
  repository: https://example.org/words.git
  documentation: https://example.org/docs
  keywords: [words]
  categories: [text]
  entry: words.wasm
  include: [data/**]
mockforge: ">=0.3"
dependencies: [{ id: other, version: "^1" }]
capabilities:
  network: { allow_http_outbound: true, allowed_hosts: [api.example.org] }
  resources: { max_memory_bytes: 1000000 }
configuration: { schema: { type: object } }
tests: [{ name: a, call: functions, request: {}, expect: [] }]
"#;

    fn manifest(text: &str) -> PluginManifest {
        PluginManifest::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn each_key_is_held_against_the_other() {
        let whole = manifest(WHOLE);
        assert_eq!(whole.differing_keys(&whole), Vec::<&str>::new());
        for (from, to, key) in [
            ("id: words", "id: word", "id"),
            ("1.0.0", "1.0.1", "version"),
            ("1.0.0", "1.0.0+b", "version"),
            ("[template]", "[template, auth]", "types"),
            ("name: Words", "name: Word", "name"),
            ("Some words", "Words", "description"),
            ("MIT", "ISC", "license"),
            ("name: Ada", "name: Eva", "author"),
            ("homepage: https://example.org", "homepage: https://example.com", "homepage"),
            ("words.git", "word.git", "repository"),
            ("/docs", "/doc", "documentation"),
            ("keywords: [words]", "keywords: []", "keywords"),
            ("[text]", "[texts]", "categories"),
            ("entry: words.wasm", "entry: word.wasm", "entry"),
            ("data/**", "data/*", "include"),
            (">=0.3", ">=0.4", "mockforge"),
            ("^1", "^2", "dependencies"),
            ("api.example.org", "www.example.org", "capabilities"),
            ("1000000", "1000001", "capabilities"),
            ("type: object }", "type: object, properties: {} }", "configuration"),
            ("expect: []", "expect: [1]", "tests"),
        ] {
            let other = WHOLE.replacen(from, to, 1);
            assert_ne!(other, WHOLE, "{from}");
            assert_eq!(whole.differing_keys(&manifest(&other)), [key], "{from} and {to}");
        }
    }

    #[test]
    fn how_its_written_counts_for_nothing() {
        let whole = manifest(WHOLE);
        let other = WHOLE.replace("types: [template]", "types:\n    - template # the only one");
        assert_eq!(whole.differing_keys(&manifest(&other)), Vec::<&str>::new());
        let without = &WHOLE[..WHOLE.find("tests:").unwrap()];
        assert_eq!(whole.differing_keys(&manifest(without)), Vec::<&str>::new());
        assert_eq!(manifest(without).differing_keys(&whole), ["tests"], "the code has requests that nobody asks any more");
    }
}
