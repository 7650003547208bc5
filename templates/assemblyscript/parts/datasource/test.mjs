test("items are looked up by a part of their name", async () => {
  const look = (query) => ask("query_datasource", { query: { query }, context });
  const found = await look("an");
  assert.deepEqual(found.result.rows, [{ id: 2, name: "banana" }]);
  assert.deepEqual(found.logged, [{ level: "info", text: "found 1" }]);
  assert.equal((await look("")).result.rows.length, 3);
});
