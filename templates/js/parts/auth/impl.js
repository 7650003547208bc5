/** Are these credentials good? `context` is `{ method, uri, headers, body }`, `credentials` `{ type, token, data }`. */
export function authenticate(context, credentials, host) {
  const tokens = new Map(Object.entries(host.config().tokens ?? {}));
  const user = tokens.get(credentials.token);
  if (user === undefined) {
    host.log("info", "nobody has this token");
    return { authenticated: false };
  }
  host.log("info", `${user} is known`);
  return { authenticated: true, userId: user, claims: { type: credentials.type } };
}
