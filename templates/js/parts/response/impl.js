/** Makes up a response. `request` is `{ method, path, headers, body }`; the path has no query, `context.uri` has. */
export function generate(context, request, host) {
  const { status = 200, message = "Hello" } = host.config();
  host.log("info", `answering ${request.method} ${request.path}`);
  const body = JSON.stringify({ message, method: request.method, path: request.path });
  return { status, body, contentType: "application/json" };
}
