//! `response-problem`: how does this API say that something went wrong?
//!
//! Answers any request with problem details (RFC 9457, `application/problem+json`). Which problem is
//! decided by, in this order: the trigger header of the request, the first rule of the configuration
//! that matches, the default status. Each answer has a request id: the caller's own, else a new
//! ULID from the plugin `template-ids`, called through the host.

mod problem;
mod rules;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use json1::{Value, host, json};
use problem::Problem;
use rules::Settings;

json1::plugin! {
    generate_response => generate,
}

fn generate(request: &Value) -> Result<Value, String> {
    let settings = Settings::read(&host::config()?)?;
    let method = json1::text_at(request, &["request", "method"])?;
    let target = json1::text_at(request, &["request", "path"])?;
    let path = target.split(['?', '#']).next().unwrap_or(target);
    let trigger = header(request, &settings.trigger_header);
    let problem = settings.problem(method, path, trigger)?;
    let id = request_id(request)?;
    Ok(response(&problem, path, &id, &settings))
}

/// The caller's id if it's fit to be sent back in a header, else a new one.
fn request_id(request: &Value) -> Result<String, String> {
    let fit = |id: &&str| !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic());
    if let Some(id) = header(request, "x-request-id").filter(fit) {
        return Ok(id.to_owned());
    }
    match host::call_template("template-ids", "ulid", &json!([]))? {
        Value::String(id) => Ok(id),
        _ => Err("template-ids: the id isn't a string".to_owned()),
    }
}

fn header<'a>(request: &'a Value, wanted: &str) -> Option<&'a str> {
    let headers = request["request"]["headers"].as_object()?;
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    value.as_str()
}

fn response(problem: &Problem, path: &str, id: &str, settings: &Settings) -> Value {
    let mut headers = json!({ "cache-control": "no-store", "x-request-id": id });
    if let (429 | 503, Some(seconds)) = (problem.status, settings.retry_after_seconds) {
        headers["retry-after"] = seconds.to_string().into();
    }
    json!({
        "status_code": problem.status,
        "headers": headers,
        "body": STANDARD.encode(problem.body(path, id).to_string()),
        "content_type": "application/problem+json",
    })
}
