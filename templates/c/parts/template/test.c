  config = "{\"greeting\":\"Servus\"}";
  expect(ask(execute, "{\"function_name\":\"greet\",\"args\":[\"Ada\"],\"context\":{}}"), "\"Servus, Ada!\"");
  expect(logged, "greeting Ada");
  expect(ask(execute, "{\"function_name\":\"greet\",\"args\":[],\"context\":{}}"), "greet takes (name)");
