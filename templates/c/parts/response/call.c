mf_answer generate(yyjson_val *request, yyjson_mut_doc *out) {
  yyjson_val *asked = yyjson_obj_get(request, "request");
  mf_text method = mf_text_of(yyjson_obj_get(asked, "method")), path = mf_text_of(yyjson_obj_get(asked, "path"));
  yyjson_val *status = yyjson_obj_get(mf_config(), "status"), *message = yyjson_obj_get(mf_config(), "message");
  mf_log("info", mf_join(MF_TEXT("answering "), method, MF_TEXT(" "), path));

  yyjson_mut_val *body = yyjson_mut_obj(out);
  yyjson_mut_obj_add_val(out, body, "message", mf_string(out, message ? mf_text_of(message) : MF_TEXT("Hello")));
  yyjson_mut_obj_add_val(out, body, "method", mf_string(out, method));
  yyjson_mut_obj_add_val(out, body, "path", mf_string(out, path));

  yyjson_mut_val *response = yyjson_mut_obj(out);
  yyjson_mut_obj_add_int(out, response, "status_code", status ? yyjson_get_int(status) : 200);
  yyjson_mut_obj_add_obj(out, response, "headers");
  yyjson_mut_obj_add_val(out, response, "body", mf_base64(out, mf_write(body)));
  yyjson_mut_obj_add_str(out, response, "content_type", "application/json");
  return mf_ok(response);
}
