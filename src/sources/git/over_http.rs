//! How does git's smart HTTP go through mfp's one HTTP client? As questions and answers of [`Http`](crate::sources::http::Http), with everything that it
//! holds: address rules, redirects, credentials by origin, proxies, deadlines.
//!
//! gix brings the protocol and asks for a client; this is it. It runs on a thread that may wait.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::rc::Rc;

use bytes::{Buf, Bytes};
use gix_transport::client::blocking_io::http::{GetResponse, Http as GitHttp, PostBodyDataKind, PostResponse};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Runtime;
use url::Url;

use super::Shared;
use super::limits::Budget;
use super::user::Granted;
use crate::error::{Error, Result};
use crate::sources::http::exchange::{Answer, Body, Question};

/// A client for one repository.
pub(super) struct Client<'a> {
    line: Rc<Line<'a>>,
    moved_to: Option<String>,
}

/// What all questions to the repository share.
struct Line<'a> {
    shared: Rc<Shared<'a>>,
    runtime: Rc<Runtime>,
    budget: Budget,
    shown: String,
    granted: RefCell<Option<HeaderValue>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(shared: &Rc<Shared<'a>>, budget: Budget, shown: &str) -> Result<Self> {
        let line =
            Line { shared: Rc::clone(shared), runtime: shared.runtime()?, budget, shown: shown.to_owned(), granted: RefCell::default() };
        Ok(Self { line: Rc::new(line), moved_to: None })
    }
}

impl<'a> Line<'a> {
    /// Ask, as nobody first (or with what mfp itself knows for the origin), then as whom the user's credential helpers say.
    fn ask(&self, url: &Url, headers: &HeaderMap, body: Option<&Bytes>) -> Result<Body> {
        let granted = self.granted.borrow().clone();
        match self.ask_once(url, headers, body, granted.as_ref())? {
            Answer::Body(body) => return Ok(*body),
            Answer::Missing(status) => return Err(missing(&self.shown, status.as_u16())),
            Answer::WhoAreYou if granted.is_some() => return Err(unwelcome(&self.shown, url)),
            Answer::WhoAreYou => {}
        }
        let Some(credential) = self.shared.user.credential(url)? else { return Err(unwelcome(&self.shown, url)) };
        self.ask_as(credential, url, headers, body)
    }

    fn ask_as(&self, credential: Granted, url: &Url, headers: &HeaderMap, body: Option<&Bytes>) -> Result<Body> {
        let header = credential.header.clone();
        match self.ask_once(url, headers, body, Some(&header))? {
            Answer::Body(body) => {
                credential.judged(true);
                self.granted.replace(Some(header));
                Ok(*body)
            }
            Answer::Missing(status) => Err(missing(&self.shown, status.as_u16())),
            Answer::WhoAreYou => {
                credential.judged(false);
                Err(unwelcome(&self.shown, url))
            }
        }
    }

    fn ask_once(&self, url: &Url, headers: &HeaderMap, body: Option<&Bytes>, authorization: Option<&HeaderValue>) -> Result<Answer> {
        let question = Question { url, headers: headers.clone(), body, authorization };
        self.runtime.block_on(self.shared.http.ask(&question))
    }

    fn stream(self: &Rc<Self>, body: Body) -> Stream<'a> {
        Stream { line: Rc::clone(self), body, current: Bytes::new() }
    }
}

/// The repository isn't there, or isn't for us; servers don't tell which.
fn missing(shown: &str, status: u16) -> Error {
    Error::new("mfp::git::no-repository", format!("there's no repository at {shown} (the server answered {status})"))
        .help("check the address; a private repository needs credentials: `git ls-remote URL` shows whether git has them")
}

/// The server wants to know who we are, and what we say isn't enough.
fn unwelcome(shown: &str, url: &Url) -> Error {
    let origin = url.origin().ascii_serialization();
    Error::new("mfp::network::credentials", format!("{shown} wants credentials, or others")).help(format!(
        "give git a credential helper that knows {origin}, or log in: `mfp login {origin} --username NAME`, or give a token in MFP_CREDENTIALS"
    ))
}

/// The body of an answer, as something to read from.
pub(super) struct Stream<'a> {
    line: Rc<Line<'a>>,
    body: Body,
    current: Bytes,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = &self.line;
        while self.current.is_empty() {
            line.budget.check_time()?;
            let next =
                line.runtime.block_on(async { tokio::time::timeout(line.budget.time_left(), self.body.chunk(&line.shared.http)).await });
            match next {
                Err(_) => return Err(line.budget.fail(line.budget.too_slow())),
                Ok(Err(error)) => return Err(line.budget.fail(error)),
                Ok(Ok(None)) => return Ok(0),
                Ok(Ok(Some(chunk))) => {
                    line.budget.spend(chunk.len())?;
                    self.current = chunk;
                }
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// A POST that's sent when its answer is first looked at: gix writes what's to be posted in between.
pub(super) struct Posting<'a> {
    line: Rc<Line<'a>>,
    url: Url,
    headers: HeaderMap,
    posted: RefCell<Vec<u8>>,
    answer: RefCell<Option<Body>>,
    was_sent: RefCell<bool>,
}

impl Posting<'_> {
    fn send(&self) -> io::Result<()> {
        if self.was_sent.replace(true) {
            return Ok(());
        }
        let body = Bytes::from(self.posted.take());
        let answer = self.line.ask(&self.url, &self.headers, Some(&body)).map_err(|error| self.line.budget.fail(error))?;
        self.answer.replace(Some(answer));
        Ok(())
    }
}

/// Where gix writes what's to be posted.
pub(super) struct PostBody<'a>(Rc<Posting<'a>>);

impl Write for PostBody<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.posted.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A part of an answer as something to read from. Of a POST there's one when it's first looked at.
pub(super) enum Part<'a, R> {
    Here(R),
    Posting(Rc<Posting<'a>>),
}

/// The headers of an answer, a line each: the only one that gix looks at.
pub(super) type Headers = Cursor<Vec<u8>>;
/// The body of an answer.
pub(super) type AnswerBody<'a> = Box<BufReader<Stream<'a>>>;

/// What can be made of the answer to a POST. gix looks at the headers before the body.
pub(super) trait OfAnswer<'a>: Sized {
    fn of(posting: &Posting<'a>) -> io::Result<Self>;
}

impl OfAnswer<'_> for Headers {
    fn of(posting: &Posting<'_>) -> io::Result<Self> {
        Ok(content_type_line(posting.answer.borrow().as_ref()))
    }
}

impl<'a> OfAnswer<'a> for AnswerBody<'a> {
    fn of(posting: &Posting<'a>) -> io::Result<Self> {
        let body = posting.answer.take().ok_or(io::ErrorKind::ConnectionAborted)?;
        Ok(buffered(posting.line.stream(body)))
    }
}

fn content_type_line(body: Option<&Body>) -> Headers {
    let kind = body.and_then(Body::content_type).unwrap_or_default();
    Cursor::new(format!("content-type: {kind}\n").into_bytes())
}

fn buffered(stream: Stream<'_>) -> AnswerBody<'_> {
    Box::new(BufReader::with_capacity(64 << 10, stream))
}

impl<'a, R: OfAnswer<'a>> Part<'a, R> {
    fn here(&mut self) -> io::Result<&mut R> {
        if let Self::Posting(posting) = self {
            posting.send()?;
            let part = R::of(posting)?;
            *self = Self::Here(part);
        }
        match self {
            Self::Here(part) => Ok(part),
            Self::Posting(_) => Err(io::ErrorKind::Other.into()),
        }
    }
}

impl<'a, R: OfAnswer<'a> + Read> Read for Part<'a, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.here()?.read(buffer)
    }
}

impl<'a, R: OfAnswer<'a> + BufRead> BufRead for Part<'a, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.here()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Self::Here(part) = self {
            part.consume(amount);
        }
    }
}

impl<'a> GitHttp for Client<'a> {
    type Headers = Part<'a, Headers>;
    type ResponseBody = Part<'a, AnswerBody<'a>>;
    type PostBody = PostBody<'a>;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let asked = parsed(url)?;
        let body = self
            .line
            .ask(&asked, &header_map(headers), None)
            .map_err(|error| gix::error::Error::from_error(self.line.budget.fail(error)))?;
        // After a redirect everything else is asked there too, if it led to the same thing elsewhere.
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        self.moved_to = body.url.as_str().strip_suffix(tail).filter(|base| *base != base_url && !tail.is_empty()).map(str::to_owned);
        let headers = Part::Here(content_type_line(Some(&body)));
        Ok(GetResponse { headers, body: Part::Here(buffered(self.line.stream(body))) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let posting = Rc::new(Posting {
            line: Rc::clone(&self.line),
            url: parsed(url)?,
            headers: header_map(headers),
            posted: RefCell::default(),
            answer: RefCell::default(),
            was_sent: RefCell::new(false),
        });
        Ok(PostResponse {
            post_body: PostBody(Rc::clone(&posting)),
            headers: Part::Posting(Rc::clone(&posting)),
            body: Part::Posting(posting),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.moved_to.clone()
    }
}

fn parsed(url: &str) -> gix::Result<Url> {
    Url::parse(url).map_err(|_| gix::error::Error::from_error(io::Error::from(io::ErrorKind::InvalidInput)))
}

/// The headers that gix wants (some servers serve git only to what calls itself git), but credentials are ours to say.
fn header_map(headers: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in headers {
        let Some((name, value)) = line.as_ref().split_once(':') else { continue };
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name.trim()), HeaderValue::from_str(value.trim())) else { continue };
        if name != reqwest::header::AUTHORIZATION {
            map.insert(name, value);
        }
    }
    map
}
