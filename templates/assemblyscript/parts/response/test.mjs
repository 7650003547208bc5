test("every request is answered", async () => {
  const request = { method: "GET", path: "/tea" };
  const { result, logged } = await ask("generate_response", { context, request }, { status: 418, message: "short and stout" });
  assert.equal(result.status_code, 418);
  const body = JSON.parse(Buffer.from(result.body, "base64").toString());
  assert.deepEqual(body, { message: "short and stout", method: "GET", path: "/tea" });
  assert.deepEqual(logged, [{ level: "info", text: "answering GET /tea" }]);
});
