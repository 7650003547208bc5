//! Which problem does a request get?

use crate::problem::{self, Problem};
use json1::Value;

/// The configuration, read once a call. Its schema is in `plugin.yaml`.
pub(crate) struct Settings {
    pub(crate) trigger_header: String,
    pub(crate) retry_after_seconds: Option<u64>,
    type_base: Option<String>,
    default: Problem,
    rules: Vec<Rule>,
}

struct Rule {
    method: Option<String>,
    path: String,
    problem: Problem,
}

impl Settings {
    pub(crate) fn read(config: &Value) -> Result<Self, String> {
        let type_base = text(config, "type_base");
        let default = match config.get("default_status") {
            None => 404,
            Some(value) => status(value, "default_status")?,
        };
        let rules = match config.get("rules") {
            None => Vec::new(),
            Some(Value::Array(rules)) => {
                rules.iter().enumerate().map(|(index, rule)| Rule::read(rule, index, type_base.as_deref())).collect::<Result<_, _>>()?
            }
            Some(_) => return Err("the configuration's `rules` must be a list".to_owned()),
        };
        Ok(Self {
            trigger_header: text(config, "trigger_header").unwrap_or_else(|| "x-mock-problem".to_owned()),
            retry_after_seconds: config["retry_after_seconds"].as_u64(),
            default: Problem::of(default, type_base.as_deref()),
            type_base,
            rules,
        })
    }

    /// The problem for this request; `trigger` is the value of the trigger header.
    pub(crate) fn problem(&self, method: &str, path: &str, trigger: Option<&str>) -> Result<Problem, String> {
        if let Some(trigger) = trigger {
            let number = trigger
                .trim()
                .parse()
                .ok()
                .and_then(problem::status)
                .ok_or_else(|| format!("the header {} is `{trigger}`; it can be 400 to 599", self.trigger_header))?;
            return Ok(Problem::of(number, self.type_base.as_deref()));
        }
        let rule = self.rules.iter().find(|rule| rule.matches(method, path));
        Ok(rule.map_or(&self.default, |rule| &rule.problem).clone())
    }
}

impl Rule {
    fn read(rule: &Value, index: usize, type_base: Option<&str>) -> Result<Self, String> {
        let path = text(rule, "path").ok_or_else(|| format!("`rules[{index}]` has no `path`"))?;
        let mut problem = Problem::of(status(&rule["status"], &format!("rules[{index}].status"))?, type_base);
        if let Some(kind) = text(rule, "type") {
            problem.kind = kind;
        }
        if let Some(title) = text(rule, "title") {
            problem.title = title;
        }
        problem.detail = text(rule, "detail");
        Ok(Self { method: text(rule, "method"), path, problem })
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method)) && path_matches(&self.path, path)
    }
}

/// Whether `path` fits `pattern`: `*` is one segment, a last `**` is all that follows.
fn path_matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        match (wanted, segments.next()) {
            ("**", _) => return true,
            ("*", Some(segment)) if !segment.is_empty() => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

fn status(value: &Value, place: &str) -> Result<u16, String> {
    value
        .as_u64()
        .and_then(problem::status)
        .ok_or_else(|| format!("the configuration's `{place}` must be a number from 400 to 599, not {value}"))
}

fn text(config: &Value, key: &str) -> Option<String> {
    config[key].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::path_matches;

    #[test]
    fn a_star_is_one_segment_and_two_at_the_end_are_the_rest() {
        assert!(path_matches("/orders/*", "/orders/42"));
        assert!(!path_matches("/orders/*", "/orders/42/lines"));
        assert!(!path_matches("/orders/*", "/orders/"));
        assert!(path_matches("/orders/**", "/orders/42/lines"));
        assert!(path_matches("/orders/**", "/orders"));
        assert!(path_matches("/**", "/"));
        assert!(!path_matches("/orders", "/orders/42"));
    }
}
