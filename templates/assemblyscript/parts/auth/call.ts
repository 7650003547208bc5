export function authenticate(request: Value): Value {
  const credentials = request.get("credentials");
  const user = host.config().get("tokens").get(credentials.get("token").text);
  const claims = Value.object();
  if (user.isString) claims.with("type", credentials.get("type"));
  host.log("info", user.isString ? user.text + " is known" : "nobody has this token");
  return Value.object()
    .with("authenticated", Value.boolean(user.isString))
    .with("user_id", Value.string(user.text))
    .with("claims", claims);
}
