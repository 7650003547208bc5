const bytesOf = (body) => (typeof body === "string" ? new TextEncoder().encode(body) : body);

/** `generate(context, request, host)` as the interface `response`. A body is text or bytes. */
export const asResponse = (plugin, host) => ({
  generate: (context, request) =>
    answered(host, () => {
      const { status = 200, headers = {}, body = "", contentType } = plugin.generate(requestOf(context), requestOf(request), host);
      return { statusCode: status, headers: Object.entries(headers), body: bytesOf(body), contentType };
    }),
});
