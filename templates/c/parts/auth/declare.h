mf_answer authenticate(yyjson_val *request, yyjson_mut_doc *out);
