  config = "{}";
  expect(ask(query, "{\"query\":{\"query\":\"an\"},\"context\":{\"method\":\"GET\",\"uri\":\"/\"}}"),
         "{\"columns\":[{\"name\":\"id\",\"data_type\":\"integer\"},{\"name\":\"name\",\"data_type\":\"string\"}],"
         "\"rows\":[{\"id\":2,\"name\":\"banana\"}]}");
  expect(logged, "found 1");
