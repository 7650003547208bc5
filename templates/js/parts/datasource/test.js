test("items are looked up by a part of their name", () => {
  const host = hostWith({});
  assert.deepEqual(plugin.query("an", undefined, context, host).rows, [[2, "banana"]]);
  assert.deepEqual(host.logged, [["info", "found 1"]]);
  assert.equal(plugin.query("", undefined, context, host).rows.length, 3);
});
