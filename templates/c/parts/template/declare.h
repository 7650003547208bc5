mf_answer functions(yyjson_val *request, yyjson_mut_doc *out);
mf_answer execute(yyjson_val *request, yyjson_mut_doc *out);
