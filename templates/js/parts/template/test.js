test("people are greeted", () => {
  const host = hostWith({ greeting: "Servus" });
  assert.equal(plugin.execute("greet", ["Ada"], {}, host), "Servus, Ada!");
  assert.deepEqual(host.logged, [["info", "greeting Ada"]]);
});

test("what isn't a call is an error", () => {
  const host = hostWith({});
  assert.throws(() => plugin.execute("greet", [], {}, host), /greet takes \(name\)/);
  assert.throws(() => plugin.execute("great", ["Ada"], {}, host), /there's no function `great`/);
});
