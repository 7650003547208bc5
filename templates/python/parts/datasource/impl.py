    def query_datasource(self, query: DataQuery, ctx: PluginContext) -> DataResult:
        items = self.host.config().get("items", ["apple", "banana", "cherry"])
        rows = [{"id": at, "name": name} for at, name in enumerate(items, 1) if query.query in name]
        self.host.log("info", f"found {len(rows)}")
        return DataResult([ColumnInfo("id", "integer"), ColumnInfo("name", "string")], rows)
