//! What is a problem, and how do people call it?

use json1::{Value, json};

/// One kind of failure, as RFC 9457 describes it.
#[derive(Clone)]
pub(crate) struct Problem {
    /// 400 to 599.
    pub(crate) status: u16,
    /// A URI that names the kind, or `about:blank`.
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) detail: Option<String>,
}

impl Problem {
    /// A problem with the usual title of its status.
    pub(crate) fn of(status: u16, type_base: Option<&str>) -> Self {
        let kind = match type_base {
            Some(base) => format!("{}/{status}", base.trim_end_matches('/')),
            None => "about:blank".to_owned(),
        };
        Self { status, kind, title: title(status).to_owned(), detail: None }
    }

    /// The members of the body; `instance` is the path that was asked for.
    pub(crate) fn body(&self, instance: &str, request_id: &str) -> Value {
        let mut body = json!({
            "type": self.kind,
            "title": self.title,
            "status": self.status,
            "instance": instance,
            "request_id": request_id,
        });
        if let Some(detail) = &self.detail {
            body["detail"] = detail.as_str().into();
        }
        body
    }
}

/// A status that a problem can have.
pub(crate) fn status(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|status| (400..=599).contains(status))
}

/// The reason phrase of the HTTP status registry.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Content",
        423 => "Locked",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        507 => "Insufficient Storage",
        ..500 => "Client Error",
        _ => "Server Error",
    }
}
