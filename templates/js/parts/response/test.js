test("every request is answered", () => {
  const host = hostWith({ status: 418, message: "short and stout" });
  const { status, body, contentType } = plugin.generate(context, { method: "GET", path: "/tea", headers: {} }, host);
  assert.deepEqual([status, contentType], [418, "application/json"]);
  assert.deepEqual(JSON.parse(body), { message: "short and stout", method: "GET", path: "/tea" });
  assert.deepEqual(host.logged, [["info", "answering GET /tea"]]);
});
