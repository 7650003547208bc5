/** `query(text, parameters, context, host)` as the interface `datasource`. */
export const asDatasource = (plugin, host) => ({
  query: ({ query, parameters }, context) =>
    answered(host, () => {
      const { columns = {}, rows = [] } = plugin.query(query, valueOf(parameters), requestOf(context), host);
      const kinds = Object.entries(columns).map(([name, dataType]) => ({ name, dataType }));
      return { columns: kinds, rows: rows.map((row) => row.map((value) => JSON.stringify(value) ?? "null")) };
    }),
});
