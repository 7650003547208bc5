function column(name: string, type: string): Value {
  return Value.object().with("name", Value.string(name)).with("data_type", Value.string(type));
}

export function query(request: Value): Value {
  const part = request.get("query").get("query").text;
  let items = host.config().get("items");
  if (items.isNull) items = Value.list([Value.string("apple"), Value.string("banana"), Value.string("cherry")]);
  const rows = new Array<Value>();
  for (let i = 0; i < items.items.length; i++) {
    const name = items.items[i];
    if (name.text.includes(part)) rows.push(Value.object().with("id", Value.integer(i + 1)).with("name", name));
  }
  host.log("info", "found " + rows.length.toString());
  return Value.object()
    .with("columns", Value.list([column("id", "integer"), column("name", "string")]))
    .with("rows", Value.list(rows));
}
