mf_answer query(yyjson_val *request, yyjson_mut_doc *out);
