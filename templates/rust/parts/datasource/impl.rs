impl Datasource for {% include "rust/parts/struct.txt" %} {
    fn query(&self, request: QueryRequest, host: &dyn Host) -> Result<Table> {
        let text = request.query.query;
        let mut table = Table::new([("id", "integer"), ("name", "string")]);
        for (id, name) in (1..)
            .zip(&self.settings.items)
            .filter(|(_, name)| name.contains(&text))
        {
            table.row([json!(id), json!(name)])?;
        }
        host.info(&format!("found {}", table.rows().len()));
        Ok(table)
    }
}
