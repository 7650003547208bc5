    mockforge.exportCall("query_datasource", query);
