test("a known token is somebody's", () => {
  const host = hostWith({ tokens: { "a-token": "ada" } });
  const ask = (token) => plugin.authenticate(context, { type: "bearer", token }, host);
  assert.deepEqual(ask("a-token"), { authenticated: true, userId: "ada", claims: { type: "bearer" } });
  assert.deepEqual(host.logged, [["info", "ada is known"]]);
  for (const token of ["another", undefined, "constructor"]) assert.deepEqual(ask(token), { authenticated: false });
});
