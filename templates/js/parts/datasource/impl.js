/** Answers a query with columns, and rows of their values. */
export function query(text, parameters, context, host) {
  const { items = ["apple", "banana", "cherry"] } = host.config();
  const rows = items.map((name, at) => [at + 1, name]).filter(([, name]) => name.includes(text));
  host.log("info", `found ${rows.length}`);
  return { columns: { id: "integer", name: "string" }, rows };
}
