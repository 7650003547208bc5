test("people are greeted", async () => {
  const greet = (args) => ask("template_function", { function_name: "greet", args, context: {} }, { greeting: "Servus" });
  const greeted = await greet(['Äda "the" \\ \u0001 𝔏.']);
  assert.equal(greeted.result, 'Servus, Äda "the" \\ \u0001 𝔏.!');
  assert.deepEqual(greeted.logged, [{ level: "info", text: 'greeting Äda "the" \\ \u0001 𝔏.' }]);
  assert.equal((await greet([])).error, "greet takes (name)");
});
