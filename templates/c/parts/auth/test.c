  config = "{\"tokens\":{\"a-token\":\"ada\"}}";
  expect(ask(authenticate, "{\"context\":{\"method\":\"GET\",\"uri\":\"/\"},\"credentials\":{\"type\":\"bearer\",\"token\":\"a-token\"}}"),
         "{\"authenticated\":true,\"user_id\":\"ada\",\"claims\":{\"type\":\"bearer\"}}");
  expect(logged, "ada is known");
  expect(ask(authenticate, "{\"context\":{\"method\":\"GET\",\"uri\":\"/\"},\"credentials\":{\"type\":\"bearer\",\"token\":\"another\"}}"),
         "{\"authenticated\":false,\"user_id\":\"\",\"claims\":{}}");
  expect(logged, "nobody has this token");
