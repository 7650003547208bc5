export function generate(request: Value): Value {
  const asked = request.get("request");
  const config = host.config();
  const status = config.get("status");
  const message = config.get("message");
  host.log("info", "answering " + asked.get("method").text + " " + asked.get("path").text);
  const body = Value.object()
    .with("message", message.isString ? message : Value.string("Hello"))
    .with("method", asked.get("method"))
    .with("path", asked.get("path"));
  return Value.object()
    .with("status_code", status.isNull ? Value.integer(200) : status)
    .with("headers", Value.object())
    .with("body", Value.string(base64(body.toString())))
    .with("content_type", Value.string("application/json"));
}
