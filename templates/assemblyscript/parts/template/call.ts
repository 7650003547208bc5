export function functions(_request: Value): Value {
  const name = Value.object()
    .with("name", Value.string("name"))
    .with("type", Value.string("string"))
    .with("required", Value.boolean(true))
    .with("description", Value.string("Who it is"));
  const greet = Value.object()
    .with("name", Value.string("greet"))
    .with("description", Value.string("Greets somebody"))
    .with("parameters", Value.list([name]))
    .with("return_type", Value.string("string"));
  return Value.list([greet]);
}

export function execute(request: Value): Value {
  const name = request.get("function_name").text;
  if (name != "greet") return fail("there's no function `" + name + "`");
  const args = request.get("args");
  if (args.items.length != 1 || !args.at(0).isString) return fail("greet takes (name)");
  const greeting = host.config().get("greeting");
  host.log("info", "greeting " + args.at(0).text);
  return Value.string((greeting.isString ? greeting.text : "Hello") + ", " + args.at(0).text + "!");
}
