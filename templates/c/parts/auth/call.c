mf_answer authenticate(yyjson_val *request, yyjson_mut_doc *out) {
  yyjson_val *credentials = yyjson_obj_get(request, "credentials");
  mf_text token = mf_text_of(yyjson_obj_get(credentials, "token"));
  yyjson_val *tokens = yyjson_obj_get(mf_config(), "tokens");
  yyjson_val *user = yyjson_obj_getn(tokens, token.at, token.length);
  mf_log("info", user ? mf_join(mf_text_of(user), MF_TEXT(" is known")) : MF_TEXT("nobody has this token"));

  yyjson_mut_val *verdict = yyjson_mut_obj(out);
  yyjson_mut_obj_add_bool(out, verdict, "authenticated", user != NULL);
  yyjson_mut_obj_add_val(out, verdict, "user_id", mf_string(out, mf_text_of(user)));
  yyjson_mut_val *claims = yyjson_mut_obj_add_obj(out, verdict, "claims");
  if (user) {
    yyjson_mut_obj_add_val(out, claims, "type", mf_string(out, mf_text_of(yyjson_obj_get(credentials, "type"))));
  }
  return mf_ok(verdict);
}
