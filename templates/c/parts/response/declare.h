mf_answer generate(yyjson_val *request, yyjson_mut_doc *out);
