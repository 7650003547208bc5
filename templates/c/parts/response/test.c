  config = "{\"status\":418}";
  expect(ask(generate, "{\"context\":{\"method\":\"GET\",\"uri\":\"/tea\"},\"request\":{\"method\":\"GET\",\"path\":\"/tea\"}}"),
         "{\"status_code\":418,\"headers\":{},"
         // {"message":"Hello","method":"GET","path":"/tea"}
         "\"body\":\"eyJtZXNzYWdlIjoiSGVsbG8iLCJtZXRob2QiOiJHRVQiLCJwYXRoIjoiL3RlYSJ9\",\"content_type\":\"application/json\"}");
  expect(logged, "answering GET /tea");
