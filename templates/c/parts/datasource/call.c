static void add_column(yyjson_mut_doc *out, yyjson_mut_val *columns, const char *name, const char *type) {
  yyjson_mut_val *column = yyjson_mut_arr_add_obj(out, columns);
  yyjson_mut_obj_add_str(out, column, "name", name);
  yyjson_mut_obj_add_str(out, column, "data_type", type);
}

mf_answer query(yyjson_val *request, yyjson_mut_doc *out) {
  static const char USUAL[] = "[\"apple\",\"banana\",\"cherry\"]";
  mf_text part = mf_text_of(yyjson_obj_get(yyjson_obj_get(request, "query"), "query"));
  yyjson_val *items = yyjson_obj_get(mf_config(), "items");
  if (!items) items = yyjson_doc_get_root(yyjson_read(USUAL, sizeof(USUAL) - 1, YYJSON_READ_NOFLAG));

  yyjson_mut_val *table = yyjson_mut_obj(out);
  yyjson_mut_val *columns = yyjson_mut_obj_add_arr(out, table, "columns");
  add_column(out, columns, "id", "integer");
  add_column(out, columns, "name", "string");
  yyjson_mut_val *rows = yyjson_mut_obj_add_arr(out, table, "rows");
  size_t at, count;
  yyjson_val *item;
  yyjson_arr_foreach(items, at, count, item) {
    if (!mf_contains(mf_text_of(item), part)) continue;
    yyjson_mut_val *row = yyjson_mut_arr_add_obj(out, rows);
    yyjson_mut_obj_add_uint(out, row, "id", at + 1);
    yyjson_mut_obj_add_val(out, row, "name", mf_string(out, mf_text_of(item)));
  }
  mf_log("info", mf_join(MF_TEXT("found "), mf_write(yyjson_mut_uint(out, yyjson_mut_arr_size(rows)))));
  return mf_ok(table);
}
