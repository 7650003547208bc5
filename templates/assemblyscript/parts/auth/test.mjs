test("a known token is somebody's", async () => {
  const config = { tokens: { "a-token": "ada" } };
  const send = (token) => ask("authenticate", { context, credentials: { type: "bearer", token } }, config);
  const known = await send("a-token");
  assert.deepEqual(known.result, { authenticated: true, user_id: "ada", claims: { type: "bearer" } });
  assert.deepEqual(known.logged, [{ level: "info", text: "ada is known" }]);
  assert.deepEqual((await send("another")).result, { authenticated: false, user_id: "", claims: {} });
});
