mf_answer functions(yyjson_val *request, yyjson_mut_doc *out) {
  (void)request;
  return mf_ok(yyjson_mut_raw(out, "[{\"name\":\"greet\",\"description\":\"Greets somebody\",\"parameters\":["
                                   "{\"name\":\"name\",\"type\":\"string\",\"required\":true,\"description\":\"Who it is\"}],"
                                   "\"return_type\":\"string\"}]"));
}

mf_answer execute(yyjson_val *request, yyjson_mut_doc *out) {
  mf_text function = mf_text_of(yyjson_obj_get(request, "function_name"));
  yyjson_val *args = yyjson_obj_get(request, "args");
  yyjson_val *greeting = yyjson_obj_get(mf_config(), "greeting");
  if (!mf_is(function, "greet")) return mf_fail(mf_join(MF_TEXT("there's no function `"), function, MF_TEXT("`")));
  if (yyjson_arr_size(args) != 1 || !yyjson_is_str(yyjson_arr_get(args, 0))) return mf_fail(MF_TEXT("greet takes (name)"));
  mf_text name = mf_text_of(yyjson_arr_get(args, 0));
  mf_log("info", mf_join(MF_TEXT("greeting "), name));
  return mf_ok(mf_string(out, mf_join(greeting ? mf_text_of(greeting) : MF_TEXT("Hello"), MF_TEXT(", "), name, MF_TEXT("!"))));
}
